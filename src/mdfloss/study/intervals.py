"""How sure the scores are: bootstrap over observers, and tests of their differences."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t

from .scaling import DisconnectedWarning, Scaling, scale

__all__ = ["Comparisons", "Intervals", "bootstrap", "compare_scores", "without_observers"]

Array = NDArray[np.float64]

ALIKE = 1e-12
"""Variances of a difference that are rounding: every draw of observers was the same."""


@dataclass(frozen=True)
class Intervals:
    """Scores with bootstrap intervals, in JND.

    Attributes:
        scaling: The scaling of all votes.
        counts: N × N votes that were scaled.
        low: Lower ends of the intervals.
        high: Upper ends.
        covariance: N × N bootstrap covariance of the scores.
        level: Share of studies in which an interval shall hold the true score.
        observers: Whose votes they are; 1 where they were not told apart.
    """

    scaling: Scaling
    counts: Array
    low: Array
    high: Array
    covariance: Array
    level: float
    observers: int = 1

    @property
    def scores(self) -> Array:
        """The scores of all votes."""
        return self.scaling.scores


@dataclass(frozen=True)
class Comparisons:
    """Every pair of conditions tested, as N × N arrays; row against column.

    Attributes:
        difference: Score of the row less that of the column, in JND.
        p_value: Two-sided t-test of no difference; NaN where the difference was not measured.
        p_holm: The same, corrected for all pairs by Holm's method.
    """

    difference: Array
    p_value: Array
    p_holm: Array


def bootstrap(
    counts: ArrayLike,
    *,
    samples: int = 500,
    level: float = 0.95,
    seed: int = 0,
    prior: str = "gaussian",
    regularization: str = "mean0",
) -> Intervals:
    """Scale votes, and resample observers for intervals.

    Observers are drawn with replacement, as many as there are, and each draw is scaled anew. The interval is
    score ± t · s: s is the draws' standard deviation, which √(n/(n−1)) and Student's t widen where observers are few.
    It is symmetric: the percentiles of the draws would repeat the estimator's small outward bias, not mend it.

    Args:
        counts: O × N × N votes, one matrix an observer, as from `Votes.counts_by_observer`.
        samples: Number of draws.
        level: Coverage of the intervals.
        seed: Seed of the draws.
        prior: As in `scale`.
        regularization: As in `scale`.

    Raises:
        ValueError: `counts` has another shape, fewer than two observers voted, or `level` or `samples` is out of range.
    """
    votes = np.asarray(counts, dtype=np.float64)
    if votes.ndim != 3 or votes.shape[1] != votes.shape[2]:
        raise ValueError(f"counts has shape {votes.shape}: needed is observers × conditions × conditions")
    if not 0 < level < 1 or samples < 2:
        raise ValueError(f"level is {level} and samples {samples}: needed are 0 < level < 1 and two or more samples")
    votes = votes[votes.any((1, 2))]
    number = len(votes)
    if number < 2:
        raise ValueError(f"{number} observer voted: intervals come from differences between two or more")
    whole = scale(votes.sum(0), prior=prior, regularization=regularization)
    flat = votes.reshape(number, -1)
    drawn = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), samples) @ flat
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisconnectedWarning)  # said once, for all votes
        scores = np.stack(
            [
                scale(draw, prior=prior, regularization=regularization, start=whole.scores).scores
                for draw in drawn.reshape(samples, *votes.shape[1:])
            ]
        )
    covariance = np.cov(scores.T) * number / (number - 1)
    half = t.ppf((1 + level) / 2, number - 1) * np.sqrt(np.diag(covariance))
    return Intervals(whole, votes.sum(0), whole.scores - half, whole.scores + half, covariance, level, number)


def without_observers(counts: ArrayLike, *, prior: str = "gaussian", regularization: str = "mean0") -> Intervals:
    """Scores whose intervals are NaN, for the votes of one observer: nothing tells how far observers differ.

    Args:
        counts: N × N votes.
        prior: As in `scale`.
        regularization: As in `scale`.
    """
    votes = np.asarray(counts, dtype=np.float64)
    whole = scale(votes, prior=prior, regularization=regularization)
    unknown = np.full_like(whole.scores, np.nan)
    return Intervals(whole, votes, unknown, unknown, np.full_like(votes, np.nan), 0.95)


def compare_scores(intervals: Intervals) -> Comparisons:
    """Test all pairs of conditions for a difference, with the covariance of the bootstrap.

    Overlapping intervals do not mean equal scores: scores of one study vary together, and the test knows it. It takes
    Student's t with a degree of freedom less than there are observers, as the intervals do. Where votes were unanimous,
    the draws agree and it is blind to how few they were: p is then at least that of the sign test, 2 / 2ⁿ for n votes;
    and for n observers where all of them voted alike.

    Args:
        intervals: Scores and their covariance.

    Source:
        `pw_significance_matrix.m` of mantiuk/pwcmp, made two-sided and with t for z; Holm 1979.
    """
    from mdfloss.evaluation.statistics import holm  # its package needs torch, which scaling does not

    scores, covariance, scaling = intervals.scores, intervals.covariance, intervals.scaling
    difference = scores[:, None] - scores[None, :]
    spread = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    deviation = np.sqrt(np.maximum(spread, np.finfo(float).tiny))
    p_value = 2 * t.sf(np.abs(difference) / deviation, max(1, intervals.observers - 1))
    alike = np.where(spread < ALIKE, 2.0 ** (1 - intervals.observers), 0.0)
    p_value = np.maximum(p_value, np.maximum(alike, _least_p(intervals)))
    p_value[scaling.component[:, None] != scaling.component] = np.nan
    np.fill_diagonal(p_value, 1.0)
    p_holm = p_value.copy()
    rows, columns = np.nonzero(np.triu(np.isfinite(p_value), 1))
    p_holm[rows, columns] = p_holm[columns, rows] = holm(p_value[rows, columns].tolist())
    return Comparisons(difference, p_value, p_holm)


def _least_p(intervals: Intervals) -> Array:
    """What p cannot fall below where only unanimous votes tell conditions apart; 0 elsewhere."""
    part = intervals.scaling.bounded
    crossing = (intervals.counts + intervals.counts.T) * (part[:, None] != part)
    votes = np.bincount(part, crossing.sum(1))[part]  # between the condition's part and the rest
    least = np.minimum(1, 2.0 ** (1 - np.minimum(votes[:, None], votes)))
    return np.where(part[:, None] != part, least, 0.0)
