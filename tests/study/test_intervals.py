"""Intervals: coverage of the truth, the tests of differences, faults."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from mdfloss.study.intervals import bootstrap, compare_scores, without_observers
from mdfloss.study.scaling import DisconnectedWarning, scale
from mdfloss.study.simulate import simulate_votes

TRUTH = np.array([-1.25, -0.75, -0.25, 0.25, 0.75, 1.25])


def coverage(studies: int, *, participants: int, samples: int) -> float:
    inside = []
    for seed in range(studies):
        votes = simulate_votes(TRUTH, participants=participants, trials=30, seed=1000 + seed)
        intervals = bootstrap(votes, samples=samples, seed=seed)
        inside.append((intervals.low <= TRUTH) & (intervals.high >= TRUTH))
    return float(np.mean(inside))


def test_intervals_cover_the_truth() -> None:
    assert 0.88 < coverage(20, participants=30, samples=60) <= 1


@pytest.mark.slow
def test_intervals_cover_the_truth_at_the_nominal_rate() -> None:
    """Over 200 studies a rate of 95 % has a standard error of 1.5 % for one condition; three of them are allowed."""
    assert abs(coverage(200, participants=30, samples=100) - 0.95) < 0.045


def test_same_seed_same_intervals() -> None:
    votes = simulate_votes(TRUTH, participants=12, trials=15, seed=0)
    one, two = bootstrap(votes, samples=20, seed=3), bootstrap(votes, samples=20, seed=3)
    np.testing.assert_array_equal(one.low, two.low)
    np.testing.assert_array_equal(one.scores, scale(votes.sum(0)).scores)


def test_more_observers_narrow_the_intervals() -> None:
    few = bootstrap(simulate_votes(TRUTH, participants=10, trials=30, seed=0), samples=50)
    many = bootstrap(simulate_votes(TRUTH, participants=90, trials=30, seed=0), samples=50)
    assert (many.high - many.low).mean() < 0.5 * (few.high - few.low).mean()


def test_compare_scores_is_a_t_test_over_observers() -> None:
    intervals = bootstrap(simulate_votes(TRUTH, participants=30, trials=30, seed=0), samples=100)
    tests = compare_scores(intervals)
    weights = np.array([1, 0, 0, 0, 0, -1])
    deviation = np.sqrt(weights @ intervals.covariance @ weights)
    expected = 2 * t.sf(abs(intervals.scores[0] - intervals.scores[5]) / deviation, 29)
    assert tests.p_value[0, 5] == pytest.approx(expected)
    assert tests.difference[5, 0] == pytest.approx(intervals.scores[5] - intervals.scores[0])
    assert (tests.p_holm >= tests.p_value - 1e-15).all()
    np.testing.assert_allclose(tests.p_holm, tests.p_holm.T)
    assert tests.p_holm[0, 5] < 0.05
    assert (np.diag(tests.p_value) == 1).all()


def test_unanimous_votes_are_no_surer_than_a_sign_test() -> None:
    votes = np.zeros((6, 2, 2))
    votes[:, 0, 1] = 1
    assert compare_scores(bootstrap(votes, samples=20)).p_value[0, 1] == pytest.approx(2 * 0.5**6)
    beaten = np.zeros((6, 3, 3))
    beaten[:, 0, 1], beaten[::2, 1, 2], beaten[1::2, 2, 1] = 1, 1, 1  # the first won all; the others are even
    p_value = compare_scores(bootstrap(beaten, samples=20)).p_value
    assert p_value[0, 2] >= 2 * 0.5**6
    assert p_value[1, 2] > 0.5


def test_observers_who_all_voted_alike_are_no_surer_than_their_number() -> None:
    votes = np.zeros((2, 3, 3))
    for a, b, wins in ((0, 1, 1), (0, 2, 3), (1, 2, 2)):
        votes[:, a, b], votes[:, b, a] = wins, 3 - wins
    tests = compare_scores(bootstrap(votes, samples=20))
    assert tests.p_value[np.triu_indices(3, 1)] == pytest.approx([0.5, 0.5, 0.5])


def test_what_was_not_compared_is_not_tested() -> None:
    votes = np.zeros((8, 4, 4))
    votes[:, 0, 1], votes[:6, 2, 3], votes[0, 1, 0], votes[6:, 3, 2] = 4, 3, 1, 3
    with pytest.warns(DisconnectedWarning):
        intervals = bootstrap(votes, samples=20)
    tests = compare_scores(intervals)
    assert np.isnan(tests.p_value[:2, 2:]).all()
    assert np.isnan(tests.p_holm[:2, 2:]).all()
    assert np.isfinite(tests.p_holm[[0, 2], [1, 3]]).all()


def test_one_observer_has_scores_and_no_intervals() -> None:
    votes = np.array([[0, 6, 7], [3, 0, 6], [1, 2, 0]])
    found = without_observers(votes)
    np.testing.assert_array_equal(found.scores, scale(votes).scores)
    assert np.isnan([*found.low, *found.high]).all()
    assert np.isnan(compare_scores(found).p_holm[0, 1])


def test_faults() -> None:
    with pytest.raises(ValueError, match="observers × conditions × conditions"):
        bootstrap(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="1 observer voted"):
        bootstrap(np.array([[[0, 1], [1, 0]], [[0, 0], [0, 0]]]))
    with pytest.raises(ValueError, match=r"level is 1\.5"):
        bootstrap(np.ones((3, 2, 2)), level=1.5)
