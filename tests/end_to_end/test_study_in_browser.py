"""A participant in a real browser: by keyboard through the whole study, with the tab closed in the middle."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from mdfloss.images import write_image
from mdfloss.study.export import open_readonly, unit_rows
from mdfloss.study.links import Secrets
from mdfloss.study.setup import create_study
from mdfloss.study.trials import BAD, GOOD, Study, StudyConfig

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGS += ["--disable-component-update", "--disable-sync"]
SERVE = "from mdfloss.cli import main; import sys; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("MDFLOSS_REQUIRE_BROWSER"):
            pytest.fail("Chromium is missing, and MDFLOSS_REQUIRE_BROWSER asks for it")
        pytest.skip("no Chromium: the browser tests are left out")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=path, args=ARGS)
        yield chromium
        chromium.close()


def make_study(root: Path, **settings: Any) -> Study:
    random = torch.Generator().manual_seed(0)
    for name in ("boat", "cat", "tree"):
        clean = torch.nn.functional.interpolate(torch.rand(1, 3, 12, 10, generator=random), scale_factor=10)
        for method, noise in ((GOOD, 0.0), ("fair", 0.03), ("poor", 0.1)):
            noisy = (clean + noise * torch.randn(clean.shape, generator=random)).clamp(0, 1)
            write_image(root / method / f"{name}.png", noisy)
    methods = {method: root / method for method in ("fair", "poor")}
    return create_study(methods, root / GOOD, root / "study", config=StudyConfig(trials=9, golden=2, **settings))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("study"), practice=2, break_every=6)


@pytest.fixture(scope="module")
def links(study: Study) -> Iterator[list[str]]:
    with served(study) as links:
        yield links


@contextmanager
def served(study: Study) -> Iterator[list[str]]:
    """Links to a study, while a process serves it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SERVE, "study", "serve", str(study.folder), "--port", str(port)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    base = f"http://127.0.0.1:{port}"
    while server.poll() is None:
        try:
            urllib.request.urlopen(f"{base}/health").close()
            break
        except OSError:
            time.sleep(0.1)
    keys = Secrets.load(study.folder / "secrets.json")
    yield [f"{base}/s/{keys.link(f'seat-{number}')}" for number in range(4)]
    server.terminate()
    _, log = server.communicate(timeout=60)
    assert server.returncode == 0, log
    assert log.splitlines()[-1].endswith('"event": "stopped"}')
    assert not any(keys.link("seat-0") in line or '"status": 5' in line for line in log.splitlines())


def bad_is_left(page: Any, study: Study) -> bool | None:
    """Whether the ruined picture is the left one; None where the trial is not an obvious one."""
    bad = {scene.images[BAD] for scene in study.scenes}
    left, _, right = (image.get_attribute("src").rpartition("/")[2] for image in page.locator("#trial img").all())
    return True if left in bad else False if right in bad else None


def answer(page: Any, study: Study, *, careless: bool = False) -> None:
    page.locator("body:not(.loading)").wait_for()
    bad = bad_is_left(page, study)
    left = True if bad is None else bad == careless
    with page.expect_navigation():
        page.keyboard.press("ArrowLeft" if left else "ArrowRight")


def walk(page: Any, study: Study, *, careless: bool = False, steps: int = 60) -> None:
    """Answer by keyboard until the end, or for so many pages."""
    for _ in range(steps):
        if page.locator("#trial").count():
            answer(page, study, careless=careless)
        elif page.locator("button.go").count():
            with page.expect_navigation():
                page.keyboard.press("Enter")
        else:
            return


def test_keyboard_closed_tab_and_code(browser: Any, study: Study, links: list[str]) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(links[0])
    assert page.locator("h1").inner_text() == "Before you start"
    walk(page, study, steps=2 + 2 + 1 + 4)
    assert page.locator(".where span").inner_text() == "5 of 11"
    boxes = [image.bounding_box() for image in page.locator("#trial img").all()]
    assert [(box["width"], box["height"]) for box in boxes] == [(100, 120)] * 3
    nonce = page.locator("input[name=trial]").get_attribute("value")
    page.close()

    page = context.new_page()
    page.goto(links[0])
    assert page.locator("input[name=trial]").get_attribute("value") == nonce
    walk(page, study)
    code = Secrets.load(study.folder / "secrets.json").completion_code("seat-0")
    assert page.locator("#code").inner_text() == code
    assert problems == []
    context.close()


def test_a_missed_obvious_trial_screens_out(browser: Any, study: Study, links: list[str]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto(links[1])
    walk(page, study, careless=True)
    assert page.locator("#screened").is_visible()
    assert page.locator("#code").count() == 0
    page.close()
    with open_readonly(study.folder / "votes.sqlite") as db:
        units = unit_rows(db)
    assert sorted(unit["screened_out"] for unit in units if unit["stage"] == "finished")[-1] == 1


def test_touch_on_a_dense_phone(browser: Any, study: Study, links: list[str]) -> None:
    phone = {"viewport": {"width": 390, "height": 760}, "device_scale_factor": 3, "is_mobile": True}
    context = browser.new_context(**phone, has_touch=True)
    page = context.new_page()
    page.goto(links[2])
    for _ in range(2):
        with page.expect_navigation():
            page.locator("button.go").tap()
    page.locator("body:not(.loading)").wait_for()
    for image in page.locator("#trial img").all():
        assert image.bounding_box()["width"] * 3 % 100 == 0  # a whole number of screen pixels a picture pixel
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == 390
    with page.expect_navigation():
        page.locator("button.option.left").tap()
    with open_readonly(study.folder / "votes.sqlite") as db:
        assert db.execute("SELECT input, zoom FROM votes ORDER BY voted DESC LIMIT 1").fetchone()["input"] == "touch"
    context.close()


def test_a_window_that_is_too_small(browser: Any, links: list[str]) -> None:
    page = browser.new_page(viewport={"width": 180, "height": 300})
    page.goto(links[3])
    for _ in range(2):
        with page.expect_navigation():
            page.locator("button.go").click()
    assert page.locator("#small").is_visible()
    width, height = page.locator("#needed").inner_text().split(" or ")[1].split(" × ")
    page.set_viewport_size({"width": int(width), "height": int(height) - 1})
    assert page.locator("#small").is_visible()
    page.set_viewport_size({"width": int(width), "height": int(height)})
    page.locator("#trial").wait_for(state="visible")
    page.set_viewport_size({"width": 180, "height": 300})
    page.locator("#small").wait_for(state="visible")
    assert not page.locator("#trial").is_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator("#trial").wait_for(state="visible")
    page.close()


def test_flip_mode_by_keyboard(browser: Any, tmp_path: Path) -> None:
    study = make_study(tmp_path, mode="flip", practice=0)
    with served(study) as links:
        page = browser.new_page(viewport={"width": 800, "height": 600})
        page.goto(links[0])
        walk(page, study, steps=2)
        page.locator("body:not(.loading)").wait_for()
        seen = []
        for key in ("", "1", "3", "2", " ", " "):
            page.keyboard.press(key) if key else None
            (shown,) = [view for view in page.locator(".view").all() if view.is_visible()]
            seen.append(shown.get_attribute("data-view"))
            assert page.locator("[data-show][aria-pressed=true]").get_attribute("data-show") == seen[-1]
        assert seen == ["reference", "left", "right", "reference", "right", "left"]
        walk(page, study)
        assert page.locator("#code").is_visible()
        page.close()
