"""Scaling: pwcmp's values, the check values of the model, properties, faults."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import OptimizeResult, check_grad, minimize

from mdfloss.study import preference, scale, scaling
from mdfloss.study.scaling import DisconnectedWarning, _Objective
from mdfloss.study.votes import read_votes

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "pwcmp.json").read_text())


@pytest.mark.parametrize("name", GOLDEN)
def test_equals_pwcmp(name: str) -> None:
    case = GOLDEN[name]
    found = scale(case["D"], prior=case["prior"], regularization=case["regularization"])
    np.testing.assert_allclose(found.scores, case["Q"], atol=1e-3)


@pytest.mark.data
@pytest.mark.parametrize("scene", ["corridor", "exhibition", "rivoli"])
def test_equals_pwcmp_on_real_votes(data_dir: Path, scene: str) -> None:
    case = json.loads((data_dir / "pwcmp" / "golden.json").read_text())["cases"][f"ex3_{scene}"]
    votes = read_votes(data_dir / "pwcmp" / case["csv"], conditions=case["conditions"])
    of_scene = votes.keep(votes.scene == votes.scenes.index(scene))
    np.testing.assert_allclose(scale(of_scene.counts()).scores, case["Q"], atol=2e-3)


@pytest.mark.parametrize(
    "distance, chance", [(0, 0.5), (0.5, 0.632), (1, 0.75), (2, 0.9113), (2.4, 0.9473), (3, 0.9785)]
)
def test_preference(distance: float, chance: float) -> None:
    assert round(float(preference(distance)), 4 if chance not in (0.632,) else 3) == chance


@pytest.mark.parametrize("prior", ["gaussian", "none"])
def test_gradient(prior: str) -> None:
    random = np.random.default_rng(0)
    votes = random.integers(0, 4, (6, 6)).astype(float)
    np.fill_diagonal(votes, 0)
    objective = _Objective(votes, prior=prior)
    at = random.normal(size=6)
    assert check_grad(lambda q: objective(q)[0], lambda q: objective(q)[1], at) < 1e-5


def test_prior_in_blocks_is_the_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    votes = np.random.default_rng(1).integers(0, 9, (7, 7)).astype(float)
    whole = _Objective(votes, prior="gaussian")(np.arange(7.0))
    monkeypatch.setattr("mdfloss.study.scaling._BLOCK", 100)
    monkeypatch.setattr("mdfloss.study.scaling._KEPT_BLOCKS", 2)
    value, gradient = _Objective(votes, prior="gaussian")(np.arange(7.0))
    assert value == pytest.approx(whole[0])
    np.testing.assert_allclose(gradient, whole[1], rtol=1e-9)


def test_objective_is_the_plain_formula() -> None:
    """The grouped, mirrored, logarithmic prior against pwcmp's loops, written out."""
    votes = np.random.default_rng(2).integers(0, 6, (5, 5)).astype(float)
    np.fill_diagonal(votes, 0)
    votes[0, 1], votes[1, 0] = 4, 0
    q = np.array([0.3, -1, 0.8, 2, 0])
    pairs = [(i, j) for i in range(5) for j in range(5) if votes[i, j] + votes[j, i] > 0]
    p = np.array([float(preference(q[i] - q[j])) for i, j in pairs])
    prior = np.zeros(len(pairs))
    for i, j in pairs:
        n, k = votes[i, j] + votes[j, i], votes[i, j]
        k = n - 1 if k == n else 1 if k == 0 else k
        weight = p**k * (1 - p) ** (n - k)
        prior += weight / weight.sum()
    likelihood = sum(votes[i, j] * np.log(a) + votes[j, i] * np.log(1 - a) for (i, j), a in zip(pairs, p, strict=True))
    expected = -likelihood - np.log(prior + 0.1).sum()
    assert _Objective(votes, prior="gaussian")(q)[0] == pytest.approx(expected, rel=1e-9)


def test_without_prior_two_conditions_have_the_closed_form() -> None:
    scores = scale([[0, 75], [25, 0]], prior="none").scores
    assert scores[0] - scores[1] == pytest.approx(1, abs=1e-5)


def test_order_of_conditions_does_not_matter() -> None:
    votes = np.array([[0, 8, 9, 7], [2, 0, 6, 5], [1, 4, 0, 6], [3, 5, 4, 0]])
    order = np.array([2, 0, 3, 1])
    np.testing.assert_allclose(scale(votes[np.ix_(order, order)]).scores, scale(votes).scores[order], atol=1e-4)


def test_regularizations_differ_by_a_shift() -> None:
    votes = [[0, 8, 9], [2, 0, 6], [1, 4, 0]]
    mean0, fix0 = scale(votes).scores, scale(votes, regularization="fix0").scores
    assert fix0[0] == 0
    assert mean0.mean() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(fix0 - fix0.mean(), mean0, atol=1e-9)


def test_disconnected_parts_are_linked_at_their_best() -> None:
    votes = np.zeros((4, 4))
    votes[0, 1], votes[1, 0], votes[2, 3], votes[3, 2] = 8, 2, 6, 4
    with pytest.warns(DisconnectedWarning, match="2 unconnected components"):
        found = scale(votes)
    assert found.components == 2
    np.testing.assert_array_equal(found.component[[0, 1]] == found.component[[2, 3]], False)
    assert found.scores[0] == pytest.approx(found.scores[2], abs=0.05)
    assert found.scores[0] > found.scores[1]


@pytest.mark.parametrize("prior", ["gaussian", "none"])
def test_unanimous_votes_stay_finite_and_ordered(prior: str) -> None:
    scores = scale([[0, 5, 5], [0, 0, 5], [0, 0, 0]], prior=prior).scores
    assert np.isfinite(scores).all()
    assert scores[0] > scores[1] > scores[2]
    assert np.abs(scores).max() < 12


@pytest.mark.parametrize("prior", ["gaussian", "none"])
@pytest.mark.parametrize("seed", range(6))
def test_another_optimiser_finds_the_same(prior: str, seed: int) -> None:
    """SciPy's BFGS with differences for a gradient, from pwcmp's start, on the same function."""
    random = np.random.default_rng(seed)
    votes = random.integers(1, 30, (5, 5)) * random.random((5, 5))  # fractions of votes are votes too
    np.fill_diagonal(votes, 0)
    objective = _Objective(votes, prior=prior)
    other = minimize(lambda q: objective(q)[0], np.zeros(5), method="BFGS", options={"gtol": 1e-6}).x
    np.testing.assert_allclose(scale(votes, prior=prior).scores, other - other.mean(), atol=1e-3)


def test_less_than_one_vote_is_softened_to_none_at_most() -> None:
    halves = scale([[0, 0.5, 0.25], [0, 0, 0.5], [0.25, 0, 0]]).scores
    assert np.isfinite(halves).all()
    assert np.abs(halves).max() < 12


def test_which_distances_the_votes_bound() -> None:
    found = scale([[0, 5, 5], [0, 0, 3], [0, 2, 0]])
    assert found.bounded[0] != found.bounded[1] == found.bounded[2]
    assert set(scale([[0, 4], [1, 0]]).bounded) == {0}


def test_many_conditions() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=200)
    i = random.integers(0, 200, 20_000)
    j = (i + random.integers(1, 200, 20_000)) % 200
    won = random.random(20_000) < preference(truth[i] - truth[j])
    votes = np.zeros((200, 200))
    np.add.at(votes, (np.where(won, i, j), np.where(won, j, i)), 1)
    assert np.corrcoef(scale(votes).scores, truth)[0, 1] > 0.98


@pytest.mark.parametrize(
    "votes, message",
    [
        ([[0, 1], [1]], "no matrix of numbers"),
        ([[0, "many"], [1, 0]], "no matrix of numbers"),
        (None, "shape"),
        ([[0, 1, 2], [1, 0, 2]], r"shape \(2, 3\)"),
        ([[0]], "two or more conditions"),
        ([[0, -1], [1, 0]], "negative"),
        ([[0, float("nan")], [1, 0]], "non-finite"),
        ([[3, 0], [0, 3]], "no votes"),
    ],
)
def test_bad_counts(votes: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scale(votes)


VOTES = [[0, 8, 9], [2, 0, 6], [1, 4, 0]]


@pytest.mark.parametrize("limit", ["maxiter", "maxfun"])
def test_running_out_of_steps_is_said(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scaling._OPTIONS, limit, 1)
    with pytest.raises(RuntimeError, match=r"did not converge in \d iterations: STOP"):
        scale(VOTES)


def test_a_search_that_gets_stuck_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def misleading(self: _Objective, scores: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = plain(self, scores)
        return value, -gradient

    plain = _Objective.__call__
    monkeypatch.setattr(_Objective, "__call__", misleading)
    with pytest.raises(RuntimeError, match="did not converge in 0 iterations: ABNORMAL"):
        scale(VOTES)


def test_a_search_that_gets_stuck_at_the_minimum_has_found_it(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = scale(VOTES).scores

    def stuck(*args: object, **options: object) -> OptimizeResult:
        return minimize(*args, **options) | {"status": 2, "success": False}

    monkeypatch.setattr(scaling, "minimize", lambda *args, **options: OptimizeResult(stuck(*args, **options)))
    np.testing.assert_array_equal(scale(VOTES).scores, expected)


def test_bad_options() -> None:
    with pytest.raises(ValueError, match="prior is 'flat': choose one of 'gaussian', 'none'"):
        scale([[0, 1], [1, 0]], prior="flat")
    with pytest.raises(ValueError, match="regularization is 'zero'"):
        scale([[0, 1], [1, 0]], regularization="zero")
