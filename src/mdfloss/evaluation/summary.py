"""What a table of scores comes to, method by method: means, tails, ranks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .metrics import METRICS
from .statistics import Interval, mean_interval, percentile_interval
from .table import ScoreTable

__all__ = ["MethodSummary", "summarize", "tail_percentile", "worst_first"]


class MethodSummary(NamedTuple):
    """One method under one metric.

    Attributes:
        mean: Mean over the pictures, with its 95 % interval.
        tail: The percentile that 5 % of the pictures are worse than, with its bootstrap interval.
        rank: 1 for the best mean among the methods, 2 for the next; equal means share a rank.
    """

    mean: Interval
    tail: Interval
    rank: int


def tail_percentile(metric: str) -> float:
    """The percentile that shows how a method does where it does badly: the 5th, or the 95th of a distance.

    Args:
        metric: A name out of `METRICS`.

    Returns:
        5 or 95.
    """
    return 5.0 if METRICS[metric].higher_is_better else 95.0


def summarize(table: ScoreTable, *, seed: int = 0) -> dict[str, dict[str, MethodSummary]]:
    """Summarise every method under every metric.

    Args:
        table: Scores of the methods on the same pictures.
        seed: Seed of the bootstrap.

    Returns:
        Method → metric → summary, in the table's order.

    Raises:
        ValueError: A method lacks a picture that another has.

    Examples:
        >>> from mdfloss.evaluation import Score
        >>> rows = Score("cat", "l1", {"psnr": 30.0}), Score("cat", "l2", {"psnr": 29.0})
        >>> summarize(ScoreTable(("psnr",), rows))["l2"]["psnr"].rank
        2
    """
    summary: dict[str, dict[str, MethodSummary]] = {method: {} for method in table.methods}
    for metric in table.metrics:
        sign = 1 if METRICS[metric].higher_is_better else -1
        columns = {method: table.column(method, metric) for method in table.methods}
        means = {method: mean_interval(values) for method, values in columns.items()}
        order = sorted({sign * mean.value for mean in means.values()}, reverse=True)
        for method, values in columns.items():
            tail = percentile_interval(values, percentile=tail_percentile(metric), seed=seed)
            rank = 1 + order.index(sign * means[method].value)
            summary[method][metric] = MethodSummary(means[method], tail, rank)
    return summary


def worst_first(table: ScoreTable, *, method: str, metric: str) -> tuple[str, ...]:
    """The pictures in the order of one method's score, the worst first.

    Args:
        table: Scores.
        method: Whose failures come first.
        metric: By which measure.

    Returns:
        Names of all pictures.
    """
    values = table.column(method, metric)
    order = np.argsort(values if METRICS[metric].higher_is_better else -values, kind="stable")
    return tuple(table.images[index] for index in order)
