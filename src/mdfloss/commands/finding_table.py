"""The tests of a comparison as the terminal shows them: the candidate against every other method, by every metric."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.table import ScoreTable
from mdfloss.evaluation.verdict import ALPHA, Finding, compare_methods, difference_texts, p_text

__all__ = ["finding_table"]


def finding_table(scores: ScoreTable, *, candidate: str) -> Table:
    """A row for each rival: the candidate's advantage by every metric, and how sure it is.

    Args:
        scores: Scores of all methods.
        candidate: The method in question.

    Returns:
        The table; significant advantages are green, significant disadvantages red.
    """
    shown = Table(
        title=Text(f"{candidate} against the others: mean advantage, p, effect size"),
        title_justify="left",
        caption="positive is better for it; p: paired one-tailed t-test in the direction seen, Holm's correction",
        caption_justify="left",
    )
    shown.add_column("against")
    rows: dict[str, list[Text]] = {}
    for name in scores.metrics:
        shown.add_column(METRICS[name].label, justify="right")
        for finding in compare_methods(scores, candidate=candidate, metric=name):
            rows.setdefault(finding.rival, []).append(_cell(finding))
    for rival, cells in rows.items():
        shown.add_row(Text(rival), *cells)
    return shown


def _cell(finding: Finding) -> Text:
    style = "green" if finding.p_better < ALPHA else "red" if finding.p_worse < ALPHA else ""
    text = Text(difference_texts(finding)[0], style=style)
    return text.append(f"  {p_text(finding)}  d = {finding.result.effect_size:+.2f}", style="dim")
