"""A table of scores as the terminal shows it: what `evaluate`, `demo` and `compare` have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.summary import MethodSummary, summarize, tail_percentile
from mdfloss.evaluation.table import ScoreTable

from .metric_tables import MetricTables

__all__ = ["score_table"]


def score_table(scores: ScoreTable, *, title: str = "") -> MetricTables:
    """A row for each method: mean with interval, and the score that 5 % of the pictures are worse than.

    Args:
        scores: Scores of one or more methods.
        title: What was scored.

    Returns:
        The table; with several methods the best mean is bold, the second best underlined.
    """
    head = f"{title} · " if title else ""
    summary = summarize(scores)

    def table(metrics: Sequence[str]) -> Table:
        shown = Table("method")
        for name in metrics:
            shown.add_column(Text(METRICS[name].heading), justify="right")
            shown.add_column(f"{tail_percentile(name):.0f}th pct.", justify="right")
        for method, by_metric in summary.items():
            cells = [cell for name in metrics for cell in _cells(by_metric[name], name, len(summary))]
            shown.add_row(Text(method), *cells)
        return shown

    return MetricTables(
        scores.metrics,
        table,
        title=f"{head}{len(scores.images)} pictures · {scores.protocol}",
        caption="means ± the half of their 95 % interval",
    )


def _cells(summary: MethodSummary, metric: str, num_methods: int) -> tuple[Text, Text]:
    digits = METRICS[metric].digits
    style = {1: "bold green", 2: "underline"}.get(summary.rank, "") if num_methods > 1 else ""
    mean, low, _ = summary.mean
    shown = Text(f"{mean:.{digits}f}", style=style)
    if math.isfinite(low):  # one picture has no interval, and neither has an infinite mean
        shown.append(f" ± {mean - low:.{digits}f}", style="not bold not underline dim")
    return shown, Text(f"{summary.tail.value:.{digits}f}")
