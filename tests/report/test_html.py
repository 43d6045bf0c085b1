"""Files from templates: escaped, complete, and never over another."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import UndefinedError

from mdfloss.evaluation.plots import curve_plot
from mdfloss.report.html import drawing, write_html

NASTY = '<script>alert("1")</script>'

VALUES = {
    "title": NASTY,
    "caption": "",
    "headings": [],
    "rows": [],
    "common": [],
    "responses": [],
    "losses": [],
    "commands": [],
    "facts": {},
}


def test_text_is_escaped_and_drawings_are_drawn(tmp_path: Path) -> None:
    svg = drawing(curve_plot({NASTY: ([0, 1], [1.0, 2.0])}, xlabel="x", ylabel="y"), label=NASTY)
    shown = [{"svg": svg, "caption": NASTY, "wide": False}]
    write_html("inspect.html.j2", tmp_path / "page.html", **{**VALUES, "common": shown})
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in text
    assert text.count("&lt;script&gt;") >= 4, "the title twice, the caption and the drawing's label"
    assert text.count("<svg ") == 1


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    incomplete = {name: value for name, value in VALUES.items() if name != "facts"}
    with pytest.raises(UndefinedError, match="facts"):
        write_html("inspect.html.j2", tmp_path / "page.html", **incomplete)
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine")
    with pytest.raises(FileExistsError, match="exists"):
        write_html("inspect.html.j2", tmp_path / "page.html", **VALUES)
    assert (tmp_path / "page.html").read_text() == "mine"
    write_html("inspect.html.j2", tmp_path / "page.html", force=True, **VALUES)
    assert "<title>&lt;script" in (tmp_path / "page.html").read_text("utf-8")
