"""What the page's tables show: means and tails, what was found against each rival, and all at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.summary import MethodSummary, summarize, tail_percentile
from mdfloss.evaluation.table import ScoreTable
from mdfloss.evaluation.verdict import ALPHA, Finding, compare_by_all_metrics, compare_methods, difference_texts, p_text

__all__ = ["finding_rows", "glance_rows", "number", "score_rows"]


def number(value: float, metric: str, *, unit: bool = True) -> str:
    """A score as printed.

    Args:
        value: The score.
        metric: Its metric.
        unit: With the metric's unit, where it has one.
    """
    described = METRICS[metric]
    text = f"{value:.{described.digits}f}".replace("-", "−").replace("inf", "∞").replace("nan", "?")
    return f"{text} {described.unit}" if unit and described.unit else text


def score_rows(table: ScoreTable, unrestored: ScoreTable | None = None) -> list[dict[str, Any]]:
    """A row for each method, and one for what they were to restore.

    Args:
        table: Scores of the methods.
        unrestored: Scores of the distorted pictures; they take no rank.
    """
    rows = [
        {"method": method, "plain": False, "cells": _cells(by_metric, ranked=len(table.methods) > 1)}
        for method, by_metric in summarize(table).items()
    ]
    extra = summarize(unrestored) if unrestored else {}
    return rows + [{"method": m, "plain": True, "cells": _cells(by, ranked=False)} for m, by in extra.items()]


def _cells(by_metric: dict[str, MethodSummary], *, ranked: bool) -> list[dict[str, Any]]:
    cells = []
    for metric, (mean, tail, rank) in by_metric.items():
        low, high = (number(value, metric, unit=False) for value in mean[1:])
        cells.append(
            {
                "value": mean.value,
                "mean": number(mean.value, metric, unit=False),
                "interval": f"{low} – {high}",
                "tail": f"{tail_percentile(metric):.0f}th pct. {number(tail.value, metric, unit=False)}",
                "rank": rank if rank <= 2 and ranked else None,
            }
        )
    return cells


def finding_rows(table: ScoreTable, candidate: str) -> list[dict[str, Any]]:
    """A row for each rival of the candidate, with a cell for each metric: None where that found nothing.

    Args:
        table: Scores of all methods.
        candidate: The method in question.

    Returns:
        The rows; none where no metric found anything.
    """
    found = compare_by_all_metrics(table, candidate=candidate)
    return [
        {"rival": rival, "cells": [_finding_cell(found.get((rival, metric))) for metric in table.metrics]}
        for rival in table.methods
        if rival != candidate and found
    ]


def _finding_cell(finding: Finding | None) -> dict[str, Any] | None:
    if finding is None:
        return None
    value, low, high = difference_texts(finding)
    return {
        "value": finding.result.difference.value,
        "advantage": value,
        "interval": f"{low} to {high}",
        "p": p_text(finding),
        "effect": f"d = {finding.result.effect_size:+.2f}".replace("-", "−"),
        "kind": _kind(finding),
    }


def _kind(finding: Finding) -> str:
    return "better" if finding.p_better < ALPHA else "worse" if finding.p_worse < ALPHA else "even"


def glance_rows(tables: Sequence[ScoreTable], *, candidate: str, metric: str) -> list[dict[str, Any]]:
    """A row for each method, with a cell for each comparison: mean, rank, and how the candidate stands against it.

    Args:
        tables: Scores of the same methods, a table for each comparison.
        candidate: The method in question.
        metric: Which metric is shown.
    """
    rows: dict[str, list[dict[str, Any]]] = {method: [] for method in tables[0].methods}
    for table in tables:
        kinds = {f.rival: _kind(f) for f in compare_methods(table, candidate=candidate, metric=metric)}
        for method, by_metric in summarize(table).items():
            mean, _, rank = by_metric[metric]
            rows[method].append(
                {
                    "value": mean.value,
                    "mean": number(mean.value, metric, unit=False),
                    "rank": rank if rank <= 2 else None,
                    "kind": kinds.get(method, ""),
                }
            )
    return [{"method": method, "cells": cells} for method, cells in rows.items()]
