"""What an inspection shows: a table's headings and cells, plots with captions, and one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mdfloss.report.html import drawing, write_html

from .curvature import RESOLUTION
from .inspect import Inspection, Summary
from .plots import (
    border_plot,
    eigenvalue_plot,
    gain_plot,
    gradient_plot,
    layer_plot,
    orientation_plot,
    response_plot,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "HEADINGS",
    "Drawing",
    "common_drawings",
    "own_drawings",
    "response_drawing",
    "summary_cells",
    "write_inspect_page",
]

HEADINGS: dict[str, str] = {
    "exponent": "exponent",
    "condition": "condition number",
    "spread": "95th / 5th pct.",
    "chroma_to_luma": "chroma / luma",
    "border_to_centre": "border / centre",
    "high_to_low": "high / low freq.",
}
"""Field of `Summary` → heading of its column."""

CAPTION = (
    "Exponent: 2 for squared, 1 for absolute distances. Condition number and percentiles: eigenvalues of the "
    "expected curvature. Chroma, luma, high (from 1/4 cycle per pixel) and low (up to 1/12): gains of gratings of "
    "equal energy. Border: RMS of the gradient in the outer 5 px under white noise."
)


class Drawing(NamedTuple):
    """A plot as it goes into a page or a file.

    Attributes:
        name: Stem of its file.
        figure: The plot.
        caption: The sentence under it.
        wide: Takes the page's whole width.
    """

    name: str
    figure: Figure
    caption: str
    wide: bool = False


def summary_cells(summary: Summary) -> list[str]:
    """The numbers of a loss as text, in the order of `HEADINGS`."""
    return [
        f"{summary.exponent:.2f}",
        _condition(summary.condition),
        _condition(summary.spread),
        f"{summary.chroma_to_luma:.2f}",
        f"{summary.border_to_centre:.2f}",
        f"{summary.high_to_low:.2f}",
    ]


def _condition(number: float) -> str:
    if number >= 0.99 / RESOLUTION:
        return f"≥ {1 / RESOLUTION:.0e}".replace("e+0", "e")
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def common_drawings(inspections: Sequence[Inspection]) -> list[Drawing]:
    """The plots that compare all losses."""
    return [
        Drawing(
            "gain",
            gain_plot(inspections),
            "Gain of gratings of equal energy by spatial frequency and colour direction, the geometric mean over "
            "orientations. A gain of 2 costs as much as white noise of twice the amplitude.",
            wide=True,
        ),
        Drawing(
            "gradient",
            gradient_plot(inspections),
            "Norm of the gradient at the same gratings. That of an absolute distance does not shrink with the error.",
            wide=True,
        ),
        Drawing(
            "eigenvalues",
            eigenvalue_plot(inspections),
            "Eigenvalues of the expected curvature on patches, in order: flat is well conditioned.",
        ),
        Drawing(
            "border",
            border_plot(inspections),
            "RMS of the gradient under white noise by the distance from the border.",
        ),
    ]


def response_drawing(found: Inspection) -> Drawing:
    """The response curves of one loss."""
    caption = "Loss under distortions of equal PSNR, as in the paper's Fig. 17; higher is a stronger objection."
    return Drawing("response", response_plot(found), caption)


def own_drawings(found: Inspection) -> list[Drawing]:
    """The maps of one loss: by orientation, and by scale and map where it has them."""
    drawings = [
        Drawing(
            "orientation",
            orientation_plot(found),
            "Gain by frequency and orientation; 0° has vertical bars.",
            wide=True,
        ),
    ]
    if found.layers is not None:
        drawings.append(
            Drawing(
                "layers",
                layer_plot(found),
                "Scales, 0 = coarsest, and the maps that are compared, the nearest to the image first: share of the "
                "loss under white noise, gain of chroma over luma noise, of high over low frequencies.",
                wide=True,
            )
        )
    return drawings


def write_inspect_page(
    inspections: Sequence[Inspection],
    path: Path,
    *,
    commands: Sequence[str] = (),
    facts: Mapping[str, str] | None = None,
    force: bool = False,
) -> None:
    """Write one self-contained HTML file that compares losses.

    Args:
        inspections: At least one.
        path: The file.
        commands: The exact commands that made it.
        facts: Settings and versions.
        force: Replace an existing file.

    Raises:
        FileExistsError: The file exists and `force` is False.
        ModuleNotFoundError: matplotlib is not installed.
    """
    count = len(inspections)
    write_html(
        "inspect.html.j2",
        path,
        force=force,
        title=f"{count} losses inspected" if count > 1 else f"{inspections[0].name} inspected",
        caption=CAPTION,
        headings=list(HEADINGS.values()),
        rows=[{"name": found.name, "cells": summary_cells(found.summary)} for found in inspections],
        common=[_shown(one) for one in common_drawings(inspections)],
        responses=[_shown(response_drawing(found), found.name) for found in inspections],
        losses=[
            {"name": found.name, "drawings": [_shown(one, found.name) for one in own_drawings(found)]}
            for found in inspections
        ],
        commands=list(commands),
        facts=dict(facts or {}),
    )


def _shown(one: Drawing, loss: str = "") -> dict[str, Any]:
    label = f"{loss}: {one.caption}" if loss else one.caption
    return {"svg": drawing(one.figure, label=label), "caption": one.caption, "wide": one.wide}
