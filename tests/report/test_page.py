"""The page: self-contained, escaped, honest about its encoding, and usable in a real browser (marker `browser`)."""

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mdfloss.evaluation import Score, ScoreTable
from mdfloss.evaluation.plots import curve_plot
from mdfloss.evaluation.verdict import verdict
from mdfloss.images import write_image
from mdfloss.report import Page, Plot, Scene, Section, write_page

NASTY = '</script><script>alert("x")</script>'


class Reader(HTMLParser):
    """Collects what a page would load, its scripts' contents and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.text = ""
        self._script: str | None = None
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.urls += [values[name] for name in ("src", "href", "data", "action") if values.get(name)]
        if tag == "script":
            self._inside = True
            self.scripts.append((values.get("type"), ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            kind, text = self.scripts[-1]
            self.scripts[-1] = (kind, text + data)
        else:
            self.text += data


@pytest.fixture
def page(generator: torch.Generator, tmp_path: Path) -> Page:
    rows, scenes = [], []
    for index, name in enumerate((NASTY, "cat")):
        clean = torch.rand(1, 3, 120, 140, generator=generator)
        write_image(tmp_path / f"clean{index}.png", clean)
        versions = {"Reference": tmp_path / f"clean{index}.png", "Distorted": clean * 0.5}
        for offset, method in enumerate(("l1", NASTY)):
            versions[method] = (clean + 0.1 * offset).clamp(0, 1)
            rows.append(Score(name, method, {"psnr": 30.0 - index - offset, "mdsi": 0.2 + offset}))
        scenes.append(Scene(name, versions))
    table = ScoreTable(("psnr", "mdsi"), tuple(rows), "RGB, no crop")
    plot = Plot(curve_plot({NASTY: ([0, 1], [1.0, 2.0])}, xlabel="step", ylabel="dB"), NASTY)
    section = Section("Noise", table, verdict(table, candidate=NASTY), NASTY, plots=[plot], scenes=scenes)
    return Page(f"Title {NASTY}", [section], NASTY, [f"mdfloss demo {NASTY}"], {"torch": NASTY})


@pytest.fixture
def written(page: Page, tmp_path: Path) -> str:
    write_page(page, tmp_path / "page.html")
    return (tmp_path / "page.html").read_text("utf-8")


def test_nothing_is_loaded_from_elsewhere(written: str) -> None:
    assert all(url.startswith(("data:", "#")) for url in Reader(written).urls)
    assert not re.search(r"url\((?!#)|@import|import\(|fetch\(|XMLHttpRequest", written)
    assert "default-src 'none'" in written


def test_every_outside_text_is_escaped(written: str) -> None:
    reader = Reader(written)
    assert [kind for kind, _ in reader.scripts] == [None, "application/json", "application/json"]
    assert reader.text.count(NASTY) > 8
    assert json.loads(reader.scripts[1][1])["name"] == NASTY


def test_viewer_holds_the_pictures_without_loss(written: str, page: Page) -> None:
    scene = json.loads(Reader(written).scripts[2][1])
    assert [version["label"] for version in scene["versions"]] == ["Reference", "Distorted", "l1", NASTY]
    assert [version["score"] for version in scene["versions"]] == ["", "", "29.00 dB", "28.00 dB"]
    assert scene["start"] == NASTY
    stored = Image.open(io.BytesIO(base64.b64decode(scene["versions"][1]["uri"].partition(",")[2])))
    expected = (page.sections[0].scenes[1].versions["Distorted"][0] * 255).round().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(np.asarray(stored), expected)
    assert "stored without loss" in written


def test_table_marks_the_best_and_the_second(written: str) -> None:
    cells = re.findall(r'<td data-sort="([\d.]+)"( class="rank\d")?', written)
    assert cells == [
        ("29.5", ' class="rank1"'), ("0.2", ' class="rank1"'), ("28.5", ' class="rank2"'), ("1.2", ' class="rank2"')
    ]  # fmt: skip


def test_a_tight_budget_is_kept_and_said(page: Page, tmp_path: Path) -> None:
    small = Page(page.title, page.sections, max_bytes=150_000)
    write_page(small, tmp_path / "small.html")
    text = (tmp_path / "small.html").read_text("utf-8")
    assert re.search(r"stored as WebP of quality \d\d", text)
    held = sum(len(version["uri"]) for kind, script in Reader(text).scripts if kind
               for version in json.loads(script)["versions"])  # fmt: skip
    assert held <= 150_000
    write_page(replace(small, max_bytes=40_000), tmp_path / "smaller.html")
    text = (tmp_path / "smaller.html").read_text("utf-8")
    assert "the first 1 of 2 are here" in text
    assert len([kind for kind, _ in Reader(text).scripts if kind]) == 1


def test_close_up_shows_where_the_methods_differ(tmp_path: Path) -> None:
    clean = torch.full((1, 3, 300, 400), 0.5)
    spoiled = clean.clone()
    spoiled[..., 210:230, 310:330] = 1
    table = ScoreTable(("psnr",), tuple(Score("x", method, {"psnr": 1.0}) for method in ("a", "b")))
    scene = Scene("x", {"Reference": clean, "Distorted": clean, "a": clean, "b": spoiled})
    write_page(Page("t", [Section("s", table, scenes=[scene])]), tmp_path / "page.html")
    images = re.findall(r'<img src="data:image/webp;base64,([^"]+)"', (tmp_path / "page.html").read_text())
    crops = [np.asarray(Image.open(io.BytesIO(base64.b64decode(image)))) for image in images]
    assert [crop.shape for crop in crops] == 4 * [(96, 96, 3)]
    assert (crops[3] == 255).all(axis=2).sum() == 400


def test_refuses_to_overwrite_and_unequal_sizes(page: Page, tmp_path: Path) -> None:
    (tmp_path / "kept.html").write_text("mine")
    with pytest.raises(FileExistsError, match="exists"):
        write_page(page, tmp_path / "kept.html")
    assert (tmp_path / "kept.html").read_text() == "mine"
    table = page.sections[0].table
    scene = Scene("cat", {"Reference": torch.rand(1, 3, 20, 20), "l1": torch.rand(1, 3, 20, 24)})
    with pytest.raises(ValueError, match=r"versions of picture 'cat' differ in size: .*20×20 px.*20×24 px"):
        write_page(Page("t", [Section("s", table, scenes=[scene])]), tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_gray_and_overshooting_versions_are_shown(tmp_path: Path) -> None:
    table = ScoreTable(("psnr",), (Score("x", "a", {"psnr": float("inf")}),))
    scene = Scene("x", {"Reference": torch.rand(1, 1, 16, 12), "a": 3 * torch.rand(1, 1, 16, 12) - 1})
    write_page(Page("t", [Section("s", table, scenes=[scene])]), tmp_path / "page.html")
    assert "∞ dB" in (tmp_path / "page.html").read_text("utf-8")


def test_a_metric_that_found_nothing_shows_a_dash_under_its_own_heading(tmp_path: Path) -> None:
    rows = [
        Score(str(i), method, {"psnr": float("inf"), "mdsi": 0.2 + 0.01 * i + offset})
        for method, offset in (("mdf", 0.0), ("l1", 0.1))
        for i in range(4)
    ]
    table = ScoreTable(("psnr", "mdsi"), tuple(rows))
    write_page(Page("t", [Section("s", table, candidate="mdf")]), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text("utf-8")
    (findings,) = re.findall(r"against each of the others</h3>.*?<tbody>(.*?)</tbody>", text, flags=re.DOTALL)
    assert re.findall(r"<td[^>]*>(?:<span[^>]*>)?([^<]*)<", findings) == ["–", "+0.1000"]


def test_several_sections_are_answered_at_a_glance(page: Page, tmp_path: Path) -> None:
    (section,) = page.sections
    twice = replace(page, sections=[section, replace(section, title="JPEG", note="Trained with \u2013 care.")])
    write_page(replace(twice, texts={"grid.yaml": NASTY}), tmp_path / "page.html")
    text = Reader((tmp_path / "page.html").read_text("utf-8")).text
    assert "l1 has the best mean PSNR in all 2 comparisons." in text
    assert f"{NASTY} against l1: worse in all 2 comparisons." in text
    assert "Trained with – care." in text
    assert "grid.yaml" in text
    other = replace(section, title="JPEG", metric="mdsi")
    write_page(replace(page, sections=[section, other]), tmp_path / "other.html")
    assert "In short" not in Reader((tmp_path / "other.html").read_text("utf-8")).text
