"""Figures of a study: scores with intervals (the paper's Fig. 5), the significance triangle, the plane of Fig. 6."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mdfloss.evaluation.plots import PALETTE, new_figure, plain

from .intervals import Comparisons, Intervals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plane_figure", "score_figure", "significance_figure"]


def score_figure(names: Sequence[str], intervals: Intervals) -> Figure:
    """Scores in JND, higher is better, with their intervals (Fig. 5 of the paper)."""
    order = np.argsort(-intervals.scores)
    figure, (axes,) = new_figure(max(3.2, 0.7 * len(names) + 1.2), 3.2)
    for place, index in enumerate(order):
        score = intervals.scores[index]
        bars = [[score - intervals.low[index]], [intervals.high[index] - score]]
        color = PALETTE[index % len(PALETTE)]
        axes.errorbar([place], [score], yerr=bars, fmt="o", color=color, capsize=4, markersize=7, linewidth=1.6)
    axes.set_xticks(range(len(names)), [plain(names[index]) for index in order])
    axes.set_xlim(-0.6, len(names) - 0.4)
    if sum(map(len, names)) > 9 * len(names):
        axes.tick_params(axis="x", labelrotation=30)
    axes.set_ylabel("quality in JND (1 = 75 % prefer)")
    axes.set_title(f"Scores with {100 * intervals.level:g} % intervals")
    return figure


def significance_figure(names: Sequence[str], intervals: Intervals, comparisons: Comparisons) -> Figure:
    """The triangle of differences, best first; a star where Holm's p is below 0.05, a dash where none was measured."""
    order = np.argsort(-intervals.scores)
    count = len(names)
    difference = comparisons.difference[np.ix_(order, order)]
    p_holm = comparisons.p_holm[np.ix_(order, order)]
    component = intervals.scaling.component[order]
    figure, (axes,) = new_figure(max(3.6, 0.75 * count + 1.6), max(2.8, 0.6 * count + 1.2))
    axes.grid(visible=False)
    shown = np.where(np.tri(count, count, -1, dtype=bool), difference.T, np.nan)[1:, :-1]
    largest = max(1.0, float(np.nanmax(shown)))
    axes.imshow(shown, cmap="Blues", vmin=0, vmax=largest, aspect="auto")
    for row in range(1, count):
        for column in range(row):
            value, star = difference[column, row], p_holm[column, row] < 0.05
            dark = value > 0.6 * largest
            text = f"{value:.2f}{'*' if star else ''}" if component[row] == component[column] else "–"
            axes.text(column, row - 1, text, ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(count - 1), [plain(names[index]) for index in order[:-1]])
    axes.set_yticks(range(count - 1), [plain(names[index]) for index in order[1:]])
    if sum(map(len, names)) > 9 * count:
        axes.tick_params(axis="x", labelrotation=30)
    axes.set_title("Lead of column over row in JND\n(* p < 0.05 after Holm)")
    return figure


def plane_figure(names: Sequence[str], intervals: Intervals, psnr: Sequence[float]) -> Figure:
    """The perception-distortion plane (Fig. 6): both axes run from good to bad, so bottom left is best."""
    figure, (axes,) = new_figure(4.4, 3.6)
    for index, name in enumerate(names):
        score = intervals.scores[index]
        bars = [[score - intervals.low[index]], [intervals.high[index] - score]]
        axes.errorbar(
            [psnr[index]],
            [score],
            yerr=bars,
            fmt="o",
            color=PALETTE[index % len(PALETTE)],
            capsize=3,
            label=plain(name),
        )
    axes.margins(0.15)
    axes.invert_xaxis()
    axes.invert_yaxis()
    axes.set(xlabel="PSNR in dB (distortion grows →)", ylabel="quality in JND (worse ↑)")
    axes.legend(fontsize=8)
    return figure
