"""The answer to "which loss should I take?" in plain words, with its uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .metrics import METRICS, Metric
from .statistics import Comparison, holm, paired_test
from .table import ScoreTable

__all__ = ["Verdict", "compare_methods", "verdict"]

FEW_PICTURES = 12
"""Below this many pictures the answer says that they are few."""


@dataclass(frozen=True)
class Verdict:
    """A verdict in words.

    Args:
        headline: The answer in one sentence.
        details: A sentence for each comparison, with interval, p value and effect size.
        caveats: What the numbers do not say.
    """

    headline: str
    details: tuple[str, ...]
    caveats: tuple[str, ...]


class Finding(NamedTuple):
    """The candidate against one rival under one metric.

    Attributes:
        rival: Name of the other method.
        metric: Name of the metric.
        result: Paired comparison, signed so that positive is better for the candidate.
        p_better: Holm-corrected p value of "the candidate is better".
        p_worse: The same of "the candidate is worse".
        ours: The candidate's values that were compared, signed so that more is better.
        theirs: The rival's.
    """

    rival: str
    metric: str
    result: Comparison
    p_better: float
    p_worse: float
    ours: NDArray[np.float64]
    theirs: NDArray[np.float64]


def compare_methods(
    table: ScoreTable, *, candidate: str, rivals: Sequence[str] | None = None, metric: str = "psnr"
) -> tuple[Finding, ...]:
    """Test one method against others on the same pictures, both ways, with Holm's correction over all tests.

    Args:
        table: Scores; pictures where a method's value is infinite are left out.
        candidate: The method in question.
        rivals: The others; all of the table's by default.
        metric: A name out of the table's.

    Returns:
        One finding a rival; none where fewer than two pictures are left.
    """
    rivals = [method for method in table.methods if method != candidate] if rivals is None else list(rivals)
    sign = 1 if METRICS[metric].higher_is_better else -1
    columns = {method: sign * table.column(method, metric) for method in (candidate, *rivals)}
    finite = np.all([np.isfinite(values) for values in columns.values()], axis=0)
    if finite.sum() < 2 or not rivals:
        return ()
    ours = columns[candidate][finite]
    better = [paired_test(ours, columns[rival][finite]) for rival in rivals]
    worse = [paired_test(columns[rival][finite], ours) for rival in rivals]
    adjusted = holm([result.p_value for result in (*better, *worse)])
    pairs = zip(adjusted[: len(rivals)], adjusted[len(rivals) :], strict=True)
    return tuple(
        Finding(rival, metric, result, *p_values, ours, columns[rival][finite])
        for rival, result, p_values in zip(rivals, better, pairs, strict=True)
    )


def verdict(
    table: ScoreTable,
    *,
    candidate: str,
    metric: str = "psnr",
    trainings: int = 1,
    alpha: float = 0.05,
) -> Verdict:
    """Say in plain words whether a method is better than the others of a table.

    Args:
        table: Scores of all methods on the same pictures.
        candidate: The method in question.
        metric: The metric that decides the headline; the others are reported beside it.
        trainings: Trainings (seeds) that each score is the mean of.
        alpha: Chance of any false finding that is allowed for a metric.

    Returns:
        Headline, details and caveats.
    """
    findings = compare_methods(table, candidate=candidate, metric=metric)
    details = [
        _sentence(finding)
        for name in table.metrics
        for finding in compare_methods(table, candidate=candidate, metric=name)
    ]
    return Verdict(
        _headline(findings, candidate, METRICS[metric], len(table.images), alpha),
        tuple(details),
        _caveats(len(table.images), trainings),
    )


def _headline(findings: Sequence[Finding], candidate: str, metric: Metric, count: int, alpha: float) -> str:
    if not findings:
        return f"{count} picture{'s' * (count != 1)} cannot tell how {candidate} compares: add pictures."
    named = {finding.rival: f"{finding.rival} ({_difference(finding)[0]})" for finding in findings}
    won = [named[finding.rival] for finding in findings if finding.p_better < alpha]
    lost = [named[finding.rival] for finding in findings if finding.p_worse < alpha]
    even = [name for name in named.values() if name not in (*won, *lost)]
    parts = []
    if won:
        parts.append(f"better than {_enumerate(won)}")
    if lost:
        parts.append(f"worse than {_enumerate(lost)}")
    if even:
        parts.append(f"not told apart from {_enumerate(even)}")
    return f"By {metric.label} on {count} pictures, {candidate} is {', and '.join(parts)}."


def _enumerate(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _difference(finding: Finding) -> list[str]:
    """The candidate's advantage and the ends of its interval, with sign and unit."""
    metric = METRICS[finding.metric]
    unit = f" {metric.unit}" if metric.unit else ""
    return [f"{number:+.{metric.digits}f}{unit}".replace("-", "−") for number in finding.result.difference]


def _sentence(finding: Finding) -> str:
    metric, (difference, _, effect) = METRICS[finding.metric], finding.result
    value, low, high = _difference(finding)
    better = difference.value >= 0
    p_value = finding.p_better if better else finding.p_worse
    p_text = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return (
        f"{metric.label} against {finding.rival}: {value} in its {'favour' if better else 'disfavour'} "
        f"(95 % interval {low} to {high}; {p_text}, paired one-tailed t-test with Holm's correction; "
        f"effect size {effect:+.2f})".replace("effect size -", "effect size −")
    )


def _caveats(count: int, trainings: int) -> tuple[str, ...]:
    trained = (
        "Each network was trained once, so the intervals tell how the result varies from picture to picture, "
        "not from training to training."
        if trainings == 1
        else f"Every score is the mean of {trainings} trainings with different seeds; the intervals are over pictures."
    )
    few = f"{count} pictures are few: take this as a direction, not as a result."
    return (trained, few) if count < FEW_PICTURES else (trained,)
