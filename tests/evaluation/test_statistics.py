"""Statistics against SciPy, and their rates on samples whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from mdfloss.evaluation.statistics import (
    cohens_d,
    holm,
    mean_interval,
    paired_test,
    percentile_interval,
    unpaired_test,
)


@pytest.fixture
def samples() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    pictures = rng.normal(30, 3, 40)
    return pictures + rng.normal(0.3, 0.5, 40), pictures


def test_mean_interval_equals_scipy(samples: tuple[np.ndarray, np.ndarray]) -> None:
    sample = samples[0]
    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.9)
    assert mean_interval(sample, confidence=0.9) == pytest.approx((sample.mean(), expected.low, expected.high))


def test_percentile_interval_equals_scipy(samples: tuple[np.ndarray, np.ndarray]) -> None:
    sample = samples[0]
    expected = stats.bootstrap(
        (sample,), lambda x, axis: np.percentile(x, 5, axis=axis), n_resamples=500, method="percentile",
        rng=np.random.default_rng(3),
    ).confidence_interval  # fmt: skip
    seen = percentile_interval(sample, num_resamples=500, seed=3)
    assert seen == pytest.approx((np.percentile(sample, 5), expected.low, expected.high))
    assert seen == percentile_interval(sample, num_resamples=500, seed=3)


def test_paired_test_equals_scipy(samples: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = samples
    result = paired_test(a, b)
    expected = stats.ttest_rel(a, b, alternative="greater")
    interval = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert result.p_value == pytest.approx(expected.pvalue)
    assert result.difference == pytest.approx(((a - b).mean(), interval.low, interval.high))
    assert result.effect_size == pytest.approx(expected.statistic / np.sqrt(len(a)))
    assert paired_test(b, a).p_value == pytest.approx(1 - result.p_value)


def test_unpaired_test_equals_scipy(samples: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = samples[0], samples[1][:30]
    result = unpaired_test(a, b)
    assert result.p_value == pytest.approx(stats.ttest_ind(a, b, equal_var=False, alternative="greater").pvalue)
    pooled = np.sqrt((39 * a.var(ddof=1) + 29 * b.var(ddof=1)) / 68)
    assert result.effect_size == pytest.approx((a.mean() - b.mean()) / pooled)


def test_holm_equals_definition() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.6, 0.7]) == (1.0, 1.0)
    assert holm([]) == ()
    with pytest.raises(ValueError, match=r"within \[0, 1\]"):
        holm([0.5, 1.5])


def test_false_findings_and_coverage_come_at_the_nominal_rates() -> None:
    rng = np.random.default_rng(1)
    pictures = rng.normal(30, 3, (2000, 24))
    noise = rng.normal(0, 0.5, (2, 2000, 24))
    results = [paired_test(p + a, p + b) for p, a, b in zip(pictures, *noise, strict=True)]
    found = np.mean([result.p_value < 0.05 for result in results])
    covered = np.mean([result.difference.low <= 0 <= result.difference.high for result in results])
    assert found == pytest.approx(0.05, abs=0.015)
    assert covered == pytest.approx(0.95, abs=0.015)


def test_bootstrap_covers_the_true_percentile() -> None:
    rng = np.random.default_rng(2)
    truth = stats.norm(30, 3).ppf(0.05)
    samples = rng.normal(30, 3, (300, 200))
    intervals = [percentile_interval(sample, num_resamples=400) for sample in samples]
    assert np.mean([low <= truth <= high for _, low, high in intervals]) == pytest.approx(0.95, abs=0.035)


def test_degenerate_samples_have_answers() -> None:
    assert mean_interval([3.0]) == pytest.approx((3, np.nan, np.nan), nan_ok=True)
    assert percentile_interval([3.0]).value == 3
    assert percentile_interval([2.0, 2.0, 2.0]) == (2, 2, 2)
    assert mean_interval([np.inf, 1.0]).value == np.inf
    assert paired_test([1.0, 2.0], [1.0, 2.0]) == ((0, 0, 0), 1.0, 0.0)
    assert paired_test([2.0, 3.0], [1.0, 2.0])[1:] == (0.0, np.inf)
    assert paired_test([1.0, 2.0], [2.0, 3.0])[1:] == (1.0, -np.inf)
    assert unpaired_test([1.0, 1.0], [1.0, 1.0]).p_value == 1
    assert cohens_d([0.1 + 0.2, 0.3], [0.3, 0.3]) == 0


def test_refuses_what_gives_no_statistic() -> None:
    with pytest.raises(ValueError, match="1 or more numbers, but have the shape"):
        mean_interval([])
    with pytest.raises(ValueError, match="values contain 1 NaN"):
        mean_interval([1.0, np.nan])
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1, but is 95"):
        mean_interval([1.0, 2.0], confidence=95)
    with pytest.raises(ValueError, match="percentile must lie between 0 and 100, but is 105"):
        percentile_interval([1.0, 2.0], percentile=105)
    with pytest.raises(ValueError, match="same pictures, but a has 2 and b 3"):
        paired_test([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="a must be a row of 2 or more numbers"):
        paired_test([1.0], [2.0])
    with pytest.raises(ValueError, match="infinite values"):
        paired_test([1.0, np.inf], [1.0, 2.0])
