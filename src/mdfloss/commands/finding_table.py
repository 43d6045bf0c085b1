"""The tests of a comparison as the terminal shows them: the candidate against every other method, by every metric."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.table import ScoreTable
from mdfloss.evaluation.verdict import ALPHA, Finding, compare_by_all_metrics, difference_texts, p_text

from .metric_tables import MetricTables

__all__ = ["finding_table"]


def finding_table(scores: ScoreTable, *, candidate: str) -> MetricTables:
    """A row for each rival: the candidate's advantage by every metric, and how sure it is.

    Args:
        scores: Scores of all methods.
        candidate: The method in question.

    Returns:
        The table; significant advantages are green, significant disadvantages red, and "–" stands where too few
        pictures have finite values.
    """
    found = compare_by_all_metrics(scores, candidate=candidate)
    rivals = [method for method in scores.methods if method != candidate]

    def table(metrics: Sequence[str]) -> Table:
        shown = Table("against")
        for name in metrics:
            shown.add_column(METRICS[name].label, justify="right")
        for rival in rivals:
            shown.add_row(Text(rival), *(_cell(found.get((rival, name))) for name in metrics))
        return shown

    return MetricTables(
        scores.metrics,
        table,
        title=f"{candidate} against the others: mean advantage, p, effect size",
        caption="positive is better for it; p: paired one-tailed t-test in the direction seen, Holm's correction",
    )


def _cell(finding: Finding | None) -> Text:
    if finding is None:
        return Text("–")
    style = "green" if finding.p_better < ALPHA else "red" if finding.p_worse < ALPHA else ""
    text = Text(difference_texts(finding)[0], style=style)
    return text.append(f"  {p_text(finding)}  d = {finding.result.effect_size:+.2f}", style="dim")
