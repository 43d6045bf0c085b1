"""The page in a real Chromium, worked by mouse, keyboard and touch."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from mdfloss.evaluation import Score, ScoreTable
from mdfloss.evaluation.plots import curve_plot
from mdfloss.evaluation.verdict import verdict
from mdfloss.images import write_image
from mdfloss.report import Page, Plot, Scene, Section, write_page

pytestmark = pytest.mark.browser

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
METHODS = ("L1", "MSE", "MDF")


def missing(what: str) -> None:
    if os.environ.get("MDFLOSS_REQUIRE_BROWSER") == "1":
        pytest.fail(f"{what} is missing, and MDFLOSS_REQUIRE_BROWSER=1 asks for the browser tests")
    pytest.skip(f"{what} is missing: the page was not tried in a browser")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        missing("the package playwright")
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of 160×120 px: black reference, and methods that are one gray each, so that pixels tell them."""
    folder = tmp_path_factory.mktemp("page")
    rows, scenes = [], []
    for index, name in enumerate(("first", "second", '<img src=x onerror="fail()">')):
        clean = torch.zeros(1, 3, 120, 160)
        versions = {"Reference": clean, "Distorted": clean + 0.1}
        for level, method in enumerate(METHODS):
            versions[method] = clean + (40 + 20 * level) / 255
            rows.append(Score(name, method, {"psnr": 20.0 + index + level, "ssim": 0.9 - 0.1 * level}))
        scenes.append(Scene(name, versions))
    table = ScoreTable(("psnr", "ssim"), tuple(rows), "RGB")
    plot = Plot(curve_plot({"L1": ([0, 1], [1.0, 2.0])}, xlabel="step", ylabel="dB"), "Curves.")
    section = Section("Noise", table, verdict(table, candidate="MDF"), "MDF", plots=[plot], scenes=scenes)
    write_page(Page("Which loss?", [section], commands=["mdfloss compare"]), folder / "page.html")
    return folder / "page.html"


class Opened:
    """An open page, and what went wrong in it."""

    def __init__(self, context: Any, file: Path) -> None:
        self.tab = context.new_page()
        self.problems: list[str] = []
        self.tab.on("console", self._note_message)
        self.tab.on("pageerror", lambda error: self.problems.append(str(error)))
        self.tab.on("request", self._note_request)
        self.tab.goto(file.as_uri())
        self.viewer = self.tab.locator(".viewer")
        self.stage = self.tab.locator(".stage")
        self.stage.scroll_into_view_if_needed()
        self.wait_for("ready", "0")

    def _note_message(self, message: Any) -> None:
        if "getImageData" not in message.text:  # advice about `pixel`, which reads the canvas again and again
            self.problems.append(message.text)

    def _note_request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.problems.append(f"loads {request.url}")

    def wait_until(self, expression: str) -> None:
        """Poll an expression; Playwright's own wait evaluates text inside the page, which its policy forbids."""
        deadline = time.monotonic() + 10
        while not self.tab.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.tab.wait_for_timeout(20)

    def state(self, name: str) -> str:
        return self.viewer.get_attribute(f"data-{name}") or ""

    def wait_for(self, name: str, value: str) -> None:
        self.tab.wait_for_selector(f".viewer[data-{name}={value!r}]", timeout=30_000)

    def pixel(self, x: float = 0.5, y: float = 0.5) -> int:
        """Red of the canvas at a place given as parts of its width and height."""
        script = """([x, y]) => {
            const c = document.querySelector(".stage canvas");
            const pixel = c.getContext("2d").getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1);
            return pixel.data[0]; }"""
        return self.tab.evaluate(script, [x, y])


@pytest.fixture
def opened(browser: Any, page_file: Path) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    opened = Opened(context, page_file)
    yield opened
    context.close()
    assert opened.problems == []


def test_methods_flip_by_mouse_and_by_keyboard(opened: Opened) -> None:
    assert (opened.state("method"), opened.pixel()) == ("MDF", 80)
    assert not opened.tab.locator(".notice").is_visible()
    opened.tab.click(".methods button:has-text('L1')")
    assert (opened.state("method"), opened.pixel()) == ("L1", 40)
    opened.stage.focus()
    opened.tab.keyboard.press("ArrowRight")
    assert (opened.state("method"), opened.pixel()) == ("MSE", 60)
    opened.tab.keyboard.press("1")
    assert (opened.state("method"), opened.pixel()) == ("Reference", 0)
    opened.tab.keyboard.press("5")
    opened.tab.keyboard.press("Space")
    assert opened.pixel() == 0, "space flips to what it is compared against"
    opened.tab.keyboard.press("Space")
    assert opened.pixel() == 80


def test_slide_shows_two_methods_at_once(opened: Opened) -> None:
    opened.tab.click("[data-mode=slide]")
    assert (opened.pixel(0.45), opened.pixel(0.55)) == (80, 0)
    box = opened.stage.bounding_box()
    middle = box["y"] + box["height"] / 2
    opened.tab.mouse.move(box["x"] + box["width"] / 2, middle)
    opened.tab.mouse.down()
    opened.tab.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=4)
    opened.tab.mouse.up()
    assert (opened.pixel(0.45), opened.pixel(0.55)) == (80, 80)
    opened.tab.locator(".split").focus()
    opened.tab.keyboard.press("Home")
    assert opened.pixel(0.45) == 0, "the divider moves by keyboard too"


def test_zoom_and_place_are_shared_by_all_methods(opened: Opened) -> None:
    opened.tab.click(".one")
    assert opened.state("zoom") == "1"
    opened.stage.focus()
    opened.tab.keyboard.press("+")
    assert opened.state("zoom") == "2"
    box = opened.stage.bounding_box()
    opened.tab.mouse.move(box["x"] + 300, box["y"] + 200)
    opened.tab.mouse.down()
    opened.tab.mouse.move(box["x"] + 270, box["y"] + 180, steps=3)
    opened.tab.mouse.up()
    place = opened.state("x"), opened.state("y")
    assert place == ("95.00", "70.00"), "30 and 20 screen pixels are 15 and 10 of the picture at 200 %"
    opened.stage.focus()
    opened.tab.keyboard.press("ArrowLeft")
    opened.tab.keyboard.press("b")
    assert (opened.state("zoom"), opened.state("x"), opened.state("y")) == ("2", *place)
    opened.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.tab.mouse.wheel(0, -100)
    opened.wait_until("document.querySelector('.viewer').dataset.zoom === '4'")
    opened.stage.focus()
    opened.tab.keyboard.press("0")
    assert opened.state("zoom") == "1"


def test_the_wheel_scrolls_the_page_until_the_viewer_is_clicked(opened: Opened) -> None:
    box = opened.stage.bounding_box()
    opened.tab.evaluate("scrollBy(0, -200)")
    before = opened.tab.evaluate("scrollY"), opened.state("zoom")
    opened.tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    opened.tab.mouse.wheel(0, 100)
    opened.wait_until(f"scrollY > {before[0]}")
    assert opened.state("zoom") == before[1]
    opened.stage.click()
    opened.tab.mouse.wheel(0, 100)
    opened.wait_until(f"Number(document.querySelector('.viewer').dataset.zoom) < {before[1]}")


def test_difference_map_is_the_amplified_difference(opened: Opened) -> None:
    opened.stage.focus()
    opened.tab.keyboard.press("d")
    opened.tab.fill(".gain", "2")
    assert opened.pixel() == 160, "twice |80 - 0|"
    opened.tab.select_option(".other", "MSE")
    assert opened.pixel() == 40


def test_pictures_change_by_button_key_and_list(opened: Opened) -> None:
    opened.tab.click(".next")
    opened.wait_for("ready", "1")
    opened.stage.focus()
    opened.tab.keyboard.press("n")
    opened.wait_for("ready", "2")
    assert "onerror" in opened.tab.locator(".live").inner_text()
    opened.tab.keyboard.press("n")
    opened.wait_for("ready", "0")
    opened.tab.select_option(".scene-select", "1")
    opened.wait_for("ready", "1")
    opened.stage.focus()
    opened.tab.keyboard.press("p")
    opened.wait_for("ready", "0")


def test_table_sorts_with_the_better_end_first(opened: Opened) -> None:
    def order() -> list[str]:
        return opened.tab.locator("table.sortable").first.locator("tbody th").all_inner_texts()

    assert order() == list(METHODS)
    opened.tab.locator("thead button:has-text('PSNR')").first.click()
    assert order() == ["MDF", "MSE", "L1"]
    opened.tab.locator("thead button:has-text('SSIM')").first.focus()
    opened.tab.keyboard.press("Enter")
    assert order() == ["L1", "MSE", "MDF"]
    opened.tab.keyboard.press("Enter")
    assert order() == ["MDF", "MSE", "L1"]
    assert opened.tab.locator("thead th[aria-sort=ascending]").inner_text().startswith("SSIM")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_fits_follows_the_scheme_and_takes_touch(browser: Any, page_file: Path, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        device_scale_factor=2,
        has_touch=True,
        is_mobile=True,
        color_scheme=scheme,
    )
    opened = Opened(context, page_file)
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= 390
    background = opened.tab.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)[:3]))
    assert (brightness > 600) == (scheme == "light")
    opened.tab.locator(".methods button:has-text('MSE')").tap()
    assert (opened.state("method"), opened.pixel()) == ("MSE", 60)
    context.close()
    assert opened.problems == []


@pytest.mark.slow
def test_a_hundred_pictures_of_eight_methods_open_at_once(browser: Any, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(10, 3, 20, 30, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (321, 481), mode="bicubic").clamp(0, 1)
    labels = ["Reference", "Distorted", *(f"method {number}" for number in range(8))]
    files = {}
    for index, image in enumerate(smooth):
        for number, label in enumerate(labels):
            noise = 0.1 if label == "Distorted" else 0.01 * number
            noisy = image + noise * torch.randn(image.shape, generator=generator)
            files[index, label] = tmp_path / f"{index}-{number}.png"
            write_image(files[index, label], noisy[None])
    rows, scenes = [], []
    for index in range(100):
        scenes.append(Scene(f"picture {index}", {label: files[index % 10, label] for label in labels}))
        rows += [Score(f"picture {index}", label, {"psnr": 30.0 + number}) for number, label in enumerate(labels[2:])]
    table = ScoreTable(("psnr",), tuple(rows), "RGB")
    file = tmp_path / "page.html"
    write_page(Page("Large", [Section("All", table, candidate="method 7", scenes=scenes)]), file)
    assert file.stat().st_size < 100e6
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    started = time.monotonic()
    opened = Opened(context, file)
    print(f"{file.stat().st_size / 1e6:.0f} MB, first picture shown after {time.monotonic() - started:.1f} s")
    context.close()
    assert opened.problems == []
