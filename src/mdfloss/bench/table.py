"""The table of costs as CSV and as a plot."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mdfloss.evaluation.plots import PALETTE, new_figure, plain
from mdfloss.files import atomic_write

from .measure import Cost

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["cost_plot", "save_costs"]


def save_costs(costs: Sequence[Cost], path: Path, *, force: bool = False) -> None:
    """Write the table as CSV.

    Args:
        costs: From `measure_costs`.
        path: File to write.
        force: Replace an existing file.

    Raises:
        FileExistsError: The file exists and `force` is False.
    """
    with atomic_write(path, force=force) as partial, partial.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Cost._fields)
        writer.writerows([cost.name, *(f"{value:.6g}" for value in cost[1:])] for cost in costs)


def cost_plot(costs: Sequence[Cost], *, title: str) -> Figure:
    """Time and memory of each loss, cheapest first.

    Args:
        costs: From `measure_costs`.
        title: What was measured on what.

    Returns:
        A figure for `mdfloss.evaluation.plots.save_figure`.
    """
    ordered = sorted(costs, key=lambda cost: cost.milliseconds, reverse=True)
    has_memory = not any(math.isnan(cost.memory_mb) for cost in costs)
    figure, axes = new_figure(8.0 if has_memory else 5.5, 0.27 * len(costs) + 1.1, columns=1 + has_memory)
    panels = [("forward and backward [ms]", "milliseconds", "{:.3g}")]
    panels += [("memory of a step [MB]", "memory_mb", "{:.0f}")] if has_memory else []
    for one, (label, field, shown) in zip(axes, panels, strict=True):
        values = [getattr(cost, field) for cost in ordered]
        colors = [PALETTE[1] if "mdf" in cost.name else PALETTE[0] for cost in ordered]
        bars = one.barh(range(len(ordered)), values, color=colors, height=0.65)
        one.bar_label(bars, [shown.format(value) for value in values], padding=2, fontsize=7)
        one.set_xscale("log" if field == "milliseconds" else "linear")
        one.set_xlabel(label)
        one.margins(x=0.18)
        one.grid(visible=False, axis="y")
        one.set_yticks(range(len(ordered)), [plain(cost.name) for cost in ordered] if one is axes[0] else [])
    figure.suptitle(plain(title), fontsize=9)
    return figure
