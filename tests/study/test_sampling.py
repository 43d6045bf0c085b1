"""Active sampling: the belief, the gain against its definition, batches, and that it pays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from mdfloss.study.sampling import belief, information_gain, next_pairs
from mdfloss.study.scaling import SIGMA, preference


def test_belief_without_votes_is_the_prior() -> None:
    mean, covariance = belief(np.zeros((4, 4)))
    np.testing.assert_allclose(mean, 0)
    np.testing.assert_allclose(covariance, 4 * np.eye(4))


def test_belief_is_the_mode() -> None:
    votes = np.random.default_rng(0).integers(0, 5, (5, 5)).astype(float)

    def log_posterior(q: np.ndarray) -> float:
        return float((votes * norm.logcdf((q[:, None] - q[None, :]) / SIGMA)).sum() - 0.5 * (q / 2) @ (q / 2))

    mean, _ = belief(votes)
    for step in 1e-3 * np.eye(5):
        assert log_posterior(mean) > max(log_posterior(mean + step), log_posterior(mean - step))


def test_gain_is_the_mutual_information() -> None:
    votes = np.array([[0, 3, 5], [1, 0, 4], [0, 2, 0.0]])
    mean, covariance = belief(votes)
    drawn = np.random.default_rng(0).multivariate_normal(mean, covariance, 400_000)
    chance = preference(drawn[:, 0] - drawn[:, 2])

    def entropy(p: np.ndarray) -> np.ndarray:
        return -p * np.log(p) - (1 - p) * np.log(1 - p)

    expected = entropy(chance.mean()) - entropy(chance.clip(1e-12, 1 - 1e-12)).mean()
    assert information_gain(votes)[0, 2] == pytest.approx(expected, rel=0.02)


def test_unequal_pairs_tell_least() -> None:
    votes = np.full((3, 3), 20.0)
    votes[0, 2], votes[2, 0] = 400, 1
    votes[0, 1], votes[1, 0] = 30, 30
    gain = information_gain(votes)
    assert gain[0, 2] < gain[0, 1]
    assert (gain == gain.T).all()
    assert (np.diag(gain) == 0).all()


@pytest.mark.parametrize("number", [19, 40, 400])
def test_a_batch_links_all_conditions_and_repeats_none(number: int) -> None:
    pairs = next_pairs(np.zeros((20, 20)), number, np.random.default_rng(0))
    assert len(pairs) == number
    assert all(i < j for i, j in pairs)
    assert len(set(pairs[:190])) == min(number, 190)
    parts = [{at} for at in range(20)]
    for i, j in pairs[:19]:
        one, two = (next(part for part in parts if at in part) for at in (i, j))
        parts = [part for part in parts if part not in (one, two)] + [one | two]
    assert len(parts) == 1


def test_active_votes_tell_more_than_random_ones() -> None:
    truth = np.arange(12) * 0.6 - 3.3
    errors = {"active": [], "random": []}
    for kind in errors:
        for seed in range(4):
            random, votes = np.random.default_rng(seed), np.zeros((12, 12))
            for _ in range(25):
                pairs = next_pairs(votes, 11, random) if kind == "active" else random.integers(0, 12, (11, 2))
                for i, j in pairs:
                    won = random.random() < preference(truth[i] - truth[j])
                    votes[(i, j) if won else (j, i)] += i != j
            mean, _ = belief(votes)
            errors[kind].append(np.sqrt(np.mean((mean - mean.mean() - truth) ** 2)))
    assert np.mean(errors["active"]) < np.mean(errors["random"])
