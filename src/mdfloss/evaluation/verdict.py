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

__all__ = [
    "ALPHA",
    "Finding",
    "Verdict",
    "compare_by_all_metrics",
    "compare_methods",
    "difference_texts",
    "overall",
    "p_text",
    "verdict",
]

ALPHA = 0.05
"""Chance of any false finding that is allowed for a metric."""

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


def compare_by_all_metrics(table: ScoreTable, *, candidate: str) -> dict[tuple[str, str], Finding]:
    """Test one method against all others by every metric, as `compare_methods` does by one.

    Args:
        table: Scores of all methods.
        candidate: The method in question.

    Returns:
        (rival, metric) → finding; a metric that leaves too few pictures has none.
    """
    found = (compare_methods(table, candidate=candidate, metric=metric) for metric in table.metrics)
    return {(finding.rival, finding.metric): finding for findings in found for finding in findings}


def verdict(
    table: ScoreTable,
    *,
    candidate: str,
    metric: str = "psnr",
    trainings: Sequence[ScoreTable] = (),
    alpha: float = ALPHA,
) -> Verdict:
    """Say in plain words whether a method is better than the others of a table.

    Args:
        table: Scores of all methods on the same pictures.
        candidate: The method in question.
        metric: The metric that decides.
        trainings: The scores of each training, where `table` holds the means of several.
        alpha: Chance of any false finding that is allowed for a metric.

    Returns:
        Headline, details and caveats.
    """
    findings = compare_methods(table, candidate=candidate, metric=metric)
    return Verdict(
        _headline(findings, candidate, METRICS[metric], alpha) if findings else _no_answer(table, candidate, metric),
        (*_best(table, candidate, metric, alpha), *(_sentence(finding) for finding in findings)),
        _caveats(findings, candidate, trainings, len(table.images)),
    )


def overall(tables: Sequence[ScoreTable], *, candidate: str, metric: str = "psnr", alpha: float = ALPHA) -> Verdict:
    """Sum several comparisons of the same methods up.

    Args:
        tables: Scores of the same methods, a table for each comparison.
        candidate: The method in question.
        metric: The metric that decides.
        alpha: Chance of any false finding that is allowed in each of the comparisons.

    Returns:
        How often which method is the best, and how often the candidate is better and worse than each of the others.
    """
    best = [_best_method(table, metric) for table in tables]
    counts = sorted(((best.count(method), method) for method in dict.fromkeys(best)), key=lambda one: -one[0])
    first, *others = [f"{method}{{}} in {_part(count, len(tables))}" for count, method in counts]
    label = METRICS[metric].label
    named = _enumerate([first.format(f" has the best mean {label}"), *(other.format("") for other in others)])
    findings = [f for table in tables for f in compare_methods(table, candidate=candidate, metric=metric)]
    details = []
    for rival in dict.fromkeys(finding.rival for finding in findings):
        mine = [finding for finding in findings if finding.rival == rival]
        better, worse = (sum(getattr(f, p) < alpha for f in mine) for p in ("p_better", "p_worse"))
        outcomes = {"better": better, "worse": worse, "not told apart": len(mine) - better - worse}
        said = [f"{outcome} in {_part(n, len(mine))}" for outcome, n in outcomes.items() if n]
        details.append(f"{candidate} against {rival}: {', '.join(said)}.")
    return Verdict(f"{named}.", tuple(details), ())


def _part(count: int, total: int) -> str:
    return f"all {total} comparisons" if count == total else f"{count} of {total}"


def _no_answer(table: ScoreTable, candidate: str, metric: str) -> str:
    """Why there is no finding: the metric is infinite on nearly all pictures, or there are too few."""
    count = len(table.images)
    finite = np.isfinite([table.column(method, metric) for method in table.methods]).all(axis=0)
    infinite = count - int(finite.sum())
    if infinite:
        return (
            f"{METRICS[metric].label} is infinite on {infinite} of {count} pictures, where a result equals its "
            f"reference, and cannot tell how {candidate} compares: decide by another measure."
        )
    return f"{count} picture{'s' * (count != 1)} cannot tell how {candidate} compares: add pictures."


def _headline(findings: Sequence[Finding], candidate: str, metric: Metric, alpha: float) -> str:
    named = {finding.rival: f"{finding.rival} ({difference_texts(finding)[0]})" for finding in findings}
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
    count = len(findings[0].ours)
    return f"By {metric.label} on {count} pictures, {candidate} is {', and '.join(parts)}."


def _best_method(table: ScoreTable, metric: str) -> str:
    sign = 1 if METRICS[metric].higher_is_better else -1
    return max(table.methods, key=lambda method: sign * float(table.column(method, metric).mean()))


def _best(table: ScoreTable, candidate: str, metric: str, alpha: float) -> list[str]:
    """Which method to take, where it is another than the candidate."""
    best = _best_method(table, metric)
    mean = float(table.column(best, metric).mean())
    if best == candidate or mean == table.column(candidate, metric).mean():
        return []
    findings = compare_methods(table, candidate=best, metric=metric)
    if not findings:
        return []
    even = [finding.rival for finding in findings if finding.p_better >= alpha]
    described = METRICS[metric]
    shown = f"{mean:.{described.digits}f} {described.unit}".strip()
    rest = f"not told apart from {_enumerate(even)}" if even else "significantly better than all others"
    return [f"{best} has the best mean {described.label} ({shown}), {rest}."]


def _enumerate(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def difference_texts(finding: Finding) -> tuple[str, str, str]:
    """The candidate's advantage and the ends of its interval, as printed: with sign and unit.

    Args:
        finding: What was found.
    """
    metric = METRICS[finding.metric]
    unit = f" {metric.unit}" if metric.unit else ""
    value, low, high = (f"{x:+.{metric.digits}f}{unit}".replace("-", "−") for x in finding.result.difference)
    return value, low, high


def p_text(finding: Finding) -> str:
    """The corrected p value of the direction that was seen, as printed.

    Args:
        finding: What was found.
    """
    p_value = finding.p_better if finding.result.difference.value >= 0 else finding.p_worse
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def _sentence(finding: Finding) -> str:
    value, low, high = difference_texts(finding)
    favour = "favour" if finding.result.difference.value >= 0 else "disfavour"
    return (
        f"{METRICS[finding.metric].label} against {finding.rival}: {value} in its {favour} "
        f"(95 % interval {low} to {high}; {p_text(finding)}; effect size {finding.result.effect_size:+.2f})."
    ).replace("effect size -", "effect size −")


def _caveats(
    findings: Sequence[Finding], candidate: str, trainings: Sequence[ScoreTable], count: int
) -> tuple[str, ...]:
    caveats = ["p: paired one-tailed t-tests over pictures, Holm's correction for all of them."] if findings else []
    if len(trainings) < 2:
        caveats.append(
            "Each network was trained once, so the intervals tell how the result varies from picture to picture, "
            "not from training to training."
        )
    else:
        said = f"Scores are means of {len(trainings)} trainings with different seeds; intervals are over pictures."
        caveats.append(" ".join([said, *_by_training(findings, candidate, trainings)]))
    if count < FEW_PICTURES:
        caveats.append(f"{count} pictures are few: take this as a direction, not as a result.")
    return tuple(caveats)


def _by_training(findings: Sequence[Finding], candidate: str, trainings: Sequence[ScoreTable]) -> list[str]:
    """What each training alone would have said of the mean advantage."""
    seen, turned = [], []
    for finding in findings:
        alone = [compare_methods(table, candidate=candidate, metric=finding.metric) for table in trainings]
        mine = [one for found in alone for one in found if one.rival == finding.rival]
        seen.append(f"over {finding.rival} {_enumerate([difference_texts(one)[0] for one in mine])}")
        if len({one.result.difference.value > 0 for one in mine}) > 1:
            turned.append(finding.rival)
    sentences = [f"Training by training, the mean advantage is {'; '.join(seen)}."] if seen else []
    if turned:
        sentences.append(f"It has not the same sign in all trainings over {_enumerate(turned)}: train with more seeds.")
    return sentences
