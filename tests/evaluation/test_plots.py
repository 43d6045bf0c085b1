"""Plots: well-formed, escaped, themed, and the same every time."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from mdfloss.evaluation import Score, ScoreTable
from mdfloss.evaluation.plots import INK, MAGENTA, curve_plot, figure_svg, plane_plot, save_figure, violin_plot
from mdfloss.evaluation.summary import summarize

NASTY = '<script>alert("1")</script> --> $x$ & "quotes"'


@pytest.fixture
def figure():
    curves = {NASTY: ([0, 10, 20], [3.0, 2.0, 1.0]), "l1": ([0, 10, 20], [2.0, 2.0, 1.5]), "empty": ([], [])}
    return curve_plot(curves, xlabel="step", ylabel="PSNR [dB]", title="T")


def test_svg_is_well_formed_and_escaped(figure) -> None:
    drawing = figure_svg(figure, label=NASTY)
    root = ElementTree.fromstring(drawing)
    assert root.get("aria-label") == NASTY
    assert "<script" not in drawing
    assert NASTY in "".join(root.itertext()), "shown as it is, and not read as mathematics"
    assert "empty" not in "".join(root.itertext())


def test_svg_takes_the_pages_ink_and_width(figure) -> None:
    drawing = figure_svg(figure, label="curves")
    assert INK not in drawing
    assert "currentColor" in drawing
    root = ElementTree.fromstring(drawing)
    assert root.get("width") is None
    assert root.get("viewBox")


def test_ids_of_two_drawings_differ_and_references_resolve(figure) -> None:
    ids = []
    for label in ("one", "two"):
        drawing = figure_svg(figure, label=label)
        root = ElementTree.fromstring(drawing)
        found = {element.get("id") for element in root.iter() if element.get("id")}
        for element in root.iter():
            for value in (element.get("clip-path"), element.get("{http://www.w3.org/1999/xlink}href")):
                if value:
                    assert value.removeprefix("url(").removesuffix(")").removeprefix("#") in found
        ids.append(found)
    assert not ids[0] & ids[1]


def test_the_same_figure_is_the_same_text(figure) -> None:
    assert figure_svg(figure, label="a") == figure_svg(figure, label="a")


def test_files_for_print(figure, tmp_path: Path) -> None:
    for suffix, start in ((".svg", b"<?xml"), (".pdf", b"%PDF"), (".png", b"\x89PNG")):
        save_figure(figure, tmp_path / f"curves{suffix}")
        assert (tmp_path / f"curves{suffix}").read_bytes().startswith(start)
    with pytest.raises(FileExistsError, match="exists"):
        save_figure(figure, tmp_path / "curves.pdf", force=False)
    with pytest.raises(ValueError, match=r"written as .svg, .pdf or .png, but the name is curves.jpg"):
        save_figure(figure, tmp_path / "curves.jpg")


@pytest.fixture
def scores() -> ScoreTable:
    values = {"a": (28.0, 30.0, 31.0), "b $": (27.0, 29.0, 33.0)}
    rows = [
        Score(str(index), method, {"psnr": value, "mdsi": 1 / value})
        for method, column in values.items()
        for index, value in enumerate(column)
    ]
    return ScoreTable(("psnr", "mdsi"), tuple(rows))


@pytest.mark.parametrize(("metric", "inverted"), [("psnr", False), ("mdsi", True)])
def test_violins_show_mean_and_tail_with_better_up(scores: ScoreTable, metric: str, inverted: bool) -> None:
    (axes,) = violin_plot(scores, metric=metric, starred=["a"]).axes
    assert axes.yaxis_inverted() == inverted
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a *", r"b \$"]
    dots = {
        (line.get_color(), round(line.get_xdata()[0])): line.get_ydata()[0]
        for line in axes.lines
        if line.get_marker() == "o"
    }
    for index, by_metric in enumerate(summarize(scores).values()):
        assert dots[MAGENTA, index] == by_metric[metric].mean.value
        assert dots[INK, index] == by_metric[metric].tail.value


def test_plane_has_less_distortion_left_and_better_perception_down(scores: ScoreTable) -> None:
    (axes,) = plane_plot(scores, distortion="psnr", perception="mdsi").axes
    assert axes.xaxis_inverted()
    assert not axes.yaxis_inverted(), "a distance is better where it is small, which is down already"
    assert len([line for line in axes.lines if line.get_marker() == "o"]) == 2
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("PSNR [dB]", "MDSI")


def test_one_picture_gives_a_plot_without_intervals() -> None:
    one = ScoreTable(("psnr", "mdsi"), (Score("x", "a", {"psnr": float("inf"), "mdsi": 0.0}),))
    for figure in (violin_plot(one, metric="mdsi"), plane_plot(one, distortion="psnr", perception="mdsi")):
        assert figure_svg(figure, label="one").startswith("<svg")
