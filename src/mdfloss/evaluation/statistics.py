"""Statistics of a comparison: intervals, tests, their correction, and the size of an effect.

The paper reports means with 95 % intervals, 5th percentiles with bootstrap intervals, and one-tailed
t-tests. Its pictures are the same for every loss, so the paired test is the stronger one; a comparison of
many losses needs Holm's correction, and a significant difference still has a size, which the tests do not
tell. The numbers are SciPy's.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Comparison",
    "Interval",
    "cohens_d",
    "holm",
    "mean_interval",
    "paired_test",
    "percentile_interval",
    "unpaired_test",
]


class Interval(NamedTuple):
    """An estimate and the interval around it.

    Attributes:
        value: The estimate.
        low: Lower end; NaN where one number gives no interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """A one-tailed comparison of two methods, a against b.

    Attributes:
        difference: Mean of a minus mean of b, with its two-sided interval.
        p_value: Probability of a difference at least as large if a were no larger than b.
        effect_size: Cohen's d: the difference in standard deviations.
    """

    difference: Interval
    p_value: float
    effect_size: float


def _sample(values: ArrayLike, minimum: int, name: str = "values") -> NDArray[np.float64]:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < minimum:
        raise ValueError(f"{name} must be a row of {minimum} or more numbers, but have the shape {sample.shape}")
    if np.isnan(sample).any():
        raise ValueError(f"{name} contain {int(np.isnan(sample).sum())} NaN: leave those pictures out of all methods")
    return sample


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, but is {confidence}")


def mean_interval(values: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """Mean with the interval of Student's t.

    Args:
        values: One number a picture.
        confidence: Coverage of the interval.

    Returns:
        Mean and interval; the interval is NaN for a single number and for infinite ones.

    Raises:
        ValueError: There is no number, or a NaN.

    Examples:
        >>> [round(number, 2) for number in mean_interval([1.0, 2.0, 3.0])]
        [2.0, -0.48, 4.48]
    """
    from scipy import stats

    sample = _sample(values, 1)
    _check_confidence(confidence)
    mean = float(sample.mean())
    if sample.size == 1 or not np.isfinite(sample).all():
        return Interval(mean, float("nan"), float("nan"))
    half = float(stats.sem(sample) * stats.t.ppf((1 + confidence) / 2, sample.size - 1))
    return Interval(mean, mean - half, mean + half)


def percentile_interval(
    values: ArrayLike,
    *,
    percentile: float = 5.0,
    confidence: float = 0.95,
    num_resamples: int = 5000,
    seed: int = 0,
) -> Interval:
    """A percentile with its bootstrap interval (the percentile method, as in the paper's Fig. 4).

    Args:
        values: One number a picture.
        percentile: Which, 0 to 100; the 5th shows how a method does where it does badly.
        confidence: Coverage of the interval.
        num_resamples: Bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        Percentile and interval; NaN for a single number and for infinite ones.

    Raises:
        ValueError: There is no number, a NaN, or an option outside its range.
    """
    from scipy import stats

    sample = _sample(values, 1)
    _check_confidence(confidence)
    if not 0 <= percentile <= 100:
        raise ValueError(f"percentile must lie between 0 and 100, but is {percentile}")
    if not np.isfinite(sample).all():
        value = float(np.percentile(sample, percentile, method="lower"))
        return Interval(value, float("nan"), float("nan"))
    value = float(np.percentile(sample, percentile))
    if sample.size == 1:
        return Interval(value, float("nan"), float("nan"))
    result = stats.bootstrap(
        (sample,),
        lambda resampled, axis: np.percentile(resampled, percentile, axis=axis),
        n_resamples=num_resamples,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return Interval(value, float(result.confidence_interval.low), float(result.confidence_interval.high))


def cohens_d(a: ArrayLike, b: ArrayLike) -> float:
    """Cohen's d of paired values: mean difference over the standard deviation of the differences.

    Args:
        a: One number a picture.
        b: The same pictures by another method.

    Returns:
        The effect size; 0 for equal samples, infinite where all differences are one number other than 0.

    Raises:
        ValueError: The samples differ in length, are too short, or contain a NaN.
    """
    differences = _differences(a, b)
    mean, deviation = float(differences.mean()), float(differences.std(ddof=1))
    if _constant(differences):
        return 0.0 if np.isclose(mean, 0, atol=1e-12) else float(np.copysign(np.inf, mean))
    return mean / deviation


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    first, second = _sample(a, 2, "a"), _sample(b, 2, "b")
    if first.size != second.size:
        raise ValueError(f"a paired comparison needs the same pictures, but a has {first.size} and b {second.size}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a or b contain infinite values, as the PSNR of equal pictures: leave those pictures out")
    return first - second


def _constant(differences: NDArray[np.float64]) -> bool:
    """Whether a spread is rounding only, so that a t value of it would mean nothing."""
    return bool(np.ptp(differences) <= 1e-12 * max(1.0, float(np.abs(differences).max())))


def paired_test(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Comparison:
    """One-tailed paired t-test that a is larger than b on the same pictures.

    Args:
        a: One number a picture.
        b: The same pictures by another method.
        confidence: Coverage of the difference's two-sided interval.

    Returns:
        Difference, p value (`scipy.stats.ttest_rel`) and paired effect size.

    Raises:
        ValueError: The samples differ in length, are shorter than 2, or contain a NaN or an infinite value.
    """
    from scipy import stats

    differences = _differences(a, b)
    difference, effect = mean_interval(differences, confidence=confidence), cohens_d(a, b)
    if _constant(differences):
        p_value = 1.0 if effect == 0 else float(effect < 0)
    else:
        p_value = float(stats.ttest_rel(a, b, alternative="greater").pvalue)
    return Comparison(difference, p_value, effect)


def unpaired_test(a: ArrayLike, b: ArrayLike, *, confidence: float = 0.95) -> Comparison:
    """One-tailed t-test of unequal variances (Welch) that a is larger than b: the paper's test of the means.

    Args:
        a: One number a picture.
        b: The other method's, on the same or other pictures.
        confidence: Coverage of the difference's two-sided interval.

    Returns:
        Difference, p value (`scipy.stats.ttest_ind`) and Cohen's d with the pooled standard deviation.

    Raises:
        ValueError: A sample is shorter than 2 or contains a NaN.
    """
    from scipy import stats

    first, second = _sample(a, 2, "a"), _sample(b, 2, "b")
    _check_confidence(confidence)
    mean = float(first.mean() - second.mean())
    if _constant(first) and _constant(second):
        p_value = 1.0 if mean == 0 else float(mean < 0)
        return Comparison(Interval(mean, mean, mean), p_value, 0.0 if mean == 0 else float(np.copysign(np.inf, mean)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one constant sample is rounding, not a loss of meaning
        result = stats.ttest_ind(first, second, equal_var=False, alternative="greater")
        interval = stats.ttest_ind(first, second, equal_var=False).confidence_interval(confidence)
    freedom = first.size + second.size - 2
    pooled = np.sqrt(((first.size - 1) * first.var(ddof=1) + (second.size - 1) * second.var(ddof=1)) / freedom)
    difference = Interval(mean, float(interval.low), float(interval.high))
    return Comparison(difference, float(result.pvalue), mean / float(pooled))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's correction for several tests: the p values, adjusted, in the order given.

    Args:
        p_values: One for each test, 0 to 1.

    Returns:
        Adjusted p values; comparing each with α keeps the chance of any false finding below α.

    Raises:
        ValueError: A value is outside [0, 1].

    Examples:
        >>> holm([0.01, 0.04, 0.03])
        (0.03, 0.06, 0.06)
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.size and not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"p values must lie within [0, 1], but are {list(p_values)}")
    order = np.argsort(values, kind="stable")
    scaled = values[order] * np.arange(values.size, 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return tuple(adjusted.tolist())
