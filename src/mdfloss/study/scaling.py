"""Votes to just-noticeable differences: maximum-likelihood Thurstone scaling with a distance prior.

A vote is a comparison of two conditions. With scores q, condition i is preferred to j with probability
Φ((q_i − q_j) / 1.4826): one unit means that 75 % prefer i (Thurstone Case V; Perez-Ortiz and Mantiuk 2017,
arXiv 1712.03686, repository mantiuk/pwcmp). The scores minimise, over all ordered compared pairs a,

    −Σ_a [D_a log P_a + D'_a log(1 − P_a) + log(prior_a + 0.1)]

where D_a and D'_a are the votes for and against. The prior of a pair is Σ_b w_ab over all compared pairs b, with
w_ab = P_a^{k_b} (1 − P_a)^{n_b − k_b} normalised over a: a distance is likely where other pairs were voted on alike.
Pairs enter it by their votes (k_b, n_b) only, so equal ones are counted once, and all powers stay logarithms.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import log_ndtr, ndtr

__all__ = ["PRIORS", "REGULARIZATIONS", "SIGMA", "DisconnectedWarning", "Scaling", "preference", "scale"]

Array = NDArray[np.float64]
Indexes = NDArray[np.int64]

SIGMA = 1.4826
"""Standard deviation of the difference of two judgements, in JND: it puts 75 % at a distance of one."""

PRIORS = ("gaussian", "none")
REGULARIZATIONS = ("mean0", "fix0")

_RIDGE = 1e-5  # holds what no vote bounds; moves a bounded score by less than 1e-4
_BLOCK = 2_000_000  # numbers of one block of prior weights: 16 MB
_FLAT = 1e-3  # slope in whitened steps: about how many standard errors the scores are from the minimum
_KEPT_BLOCKS = 16  # more than these are computed twice rather than kept


class DisconnectedWarning(UserWarning):
    """The comparison graph falls apart: distances between its parts are not measured."""


@dataclass(frozen=True)
class Scaling:
    """Scores of conditions, in JND.

    Attributes:
        scores: The N scores; higher is better.
        component: Connected component of the comparison graph that each condition is in, from 0; distances between
            components were not measured.
        bounded: Part that each condition is in, from 0, when conditions stay together only while votes went both
            ways: where there are several, some won all votes against the rest, and only the prior bounds their lead.
        objective: The minimised function at the scores.
        iterations: Steps that the optimiser took.
    """

    scores: Array
    component: Indexes
    bounded: Indexes
    objective: float
    iterations: int

    @property
    def components(self) -> int:
        """Number of connected components; 1 where every distance was measured."""
        return int(self.component.max()) + 1


def preference(distance: ArrayLike) -> Array:
    """Probability that a condition is preferred to one that scores `distance` JND less.

    Args:
        distance: Difference of scores in JND, any shape.

    Returns:
        Probabilities of the same shape: 0 → 0.5, 1 → 0.75, 2 → 0.9113.
    """
    return np.asarray(ndtr(np.asarray(distance, dtype=np.float64) / SIGMA))


def scale(
    counts: ArrayLike, *, prior: str = "gaussian", regularization: str = "mean0", start: ArrayLike | None = None
) -> Scaling:
    """Scale a matrix of votes to JND.

    Args:
        counts: N × N votes; `counts[i][j]` is how often condition i was preferred to condition j. The diagonal is
            ignored. Fractions are allowed.
        prior: "gaussian", pwcmp's prior over distances, or "none" for plain maximum likelihood.
        regularization: Where zero lies: "mean0" puts it at the mean of the scores, "fix0" at the first condition.
        start: N scores to start from; all zero by default, as in pwcmp.

    Returns:
        The scores, and what is to know about them.

    Raises:
        ValueError: `counts` is not square, not finite, negative or empty, or an option is unknown.
        RuntimeError: The optimiser did not converge.

    Source:
        Objective, softening of unanimous pairs and links between components: `pw_scale.m` of mantiuk/pwcmp. Distances
        that the votes leave open (a condition that won all its votes) are held by a ridge of 1e-5 on the scores.

    Examples:
        >>> scale([[0, 25, 0], [75, 0, 25], [0, 75, 0]]).scores.round(2)
        array([-1.,  0.,  1.])
    """
    _check_option("prior", prior, PRIORS)
    _check_option("regularization", regularization, REGULARIZATIONS)
    votes = _check_counts(counts)
    votes, component = _connect(votes)
    first = np.zeros(len(votes)) if start is None else np.asarray(start, dtype=np.float64)
    objective = _Objective(votes, prior=prior)
    root = cholesky(objective.curvature())  # steps in units of what the votes tell: ten times fewer of them

    def whitened(y: Array) -> tuple[float, Array]:
        value, gradient = objective(solve_triangular(root, y))
        return value, solve_triangular(root, gradient, trans=1)

    found = minimize(whitened, root @ first, jac=True, method="L-BFGS-B", options=_OPTIONS)
    scores = np.asarray(solve_triangular(root, found.x))
    # A line search that finds nothing lower (status 2) may end at the minimum as well as floating point can tell.
    stuck = found.status == 1 or (not found.success and np.abs(found.jac).max() > _FLAT)
    if stuck or not np.isfinite(scores).all():
        raise RuntimeError(f"scaling did not converge in {found.nit} iterations: {found.message}")
    scores = scores - (scores.mean() if regularization == "mean0" else scores[0])
    return Scaling(scores, component, objective.bounded, objective=float(found.fun), iterations=int(found.nit))


_OPTIONS: dict[str, Any] = {"maxiter": 5000, "maxfun": 20_000, "ftol": 1e-14, "gtol": 1e-5, "maxcor": 20}


def _check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}: choose one of {', '.join(map(repr, allowed))}")


def _check_counts(counts: ArrayLike) -> Array:
    try:
        votes = np.array(counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"counts is no matrix of numbers: {error}") from error
    if votes.ndim != 2 or votes.shape[0] != votes.shape[1] or len(votes) < 2:
        raise ValueError(f"counts has shape {votes.shape}: votes need a square matrix of two or more conditions")
    if not np.isfinite(votes).all() or (votes < 0).any():
        raise ValueError("counts holds negative or non-finite numbers: votes are counted from 0 up")
    np.fill_diagonal(votes, 0)
    if not votes.any():
        raise ValueError("counts holds no votes off its diagonal: nothing to scale")
    return votes


def _connect(votes: Array) -> tuple[Array, Indexes]:
    """Link unconnected components by one vote each way between their best members."""
    number, label = connected_components(coo_array(votes), directed=False)
    label = label.astype(np.int64)
    if number == 1:
        return votes, label
    warnings.warn(
        f"the comparison graph has {number} unconnected components: distances between them are not measured; their "
        "best conditions are taken as equal. Compare conditions of different components.",
        DisconnectedWarning,
        stacklevel=3,
    )
    total = votes + votes.T
    rate = np.divide(votes, total, out=np.full_like(votes, 0.5), where=total > 0)
    rank = (12 / np.pi * np.arcsin(np.sqrt(rate)) - 3).sum(1)  # ISO 20462's distance
    best = np.array([np.flatnonzero(label == c)[rank[label == c].argmax()] for c in range(number)])
    linked = votes.copy()
    linked[np.ix_(best, best)] += 1 - np.eye(number)
    return linked, label


class _Objective:
    """The function to minimise, and its gradient, over the ordered compared pairs (i < j first, then their mirrors)."""

    def __init__(self, votes: Array, *, prior: str) -> None:
        self.size = len(votes)
        upper, lower = np.nonzero(np.triu(votes + votes.T))
        self.i, self.j = np.concatenate((upper, lower)), np.concatenate((lower, upper))
        self.won, self.lost = votes[self.i, self.j], votes[self.j, self.i]
        parts, bounded = connected_components(coo_array(votes), directed=True, connection="strong")
        self.bounded = bounded.astype(np.int64)
        self.ridge = 0.0 if parts == 1 else _RIDGE
        self.groups = self._groups() if prior == "gaussian" else None

    def _groups(self) -> tuple[Array, Array, Array]:
        """Distinct softened votes (for ≥ against) and how many pairs have them; mirrored pairs are understood."""
        softened = np.where(self.lost == 0, np.maximum(self.won - 1, 0), self.won)
        k = np.where(self.won == 0, np.minimum(1, self.lost), softened)
        rest = self.won + self.lost - k
        half = k >= rest
        pairs, number = np.unique(np.stack((k, rest), 1)[half], axis=0, return_counts=True)
        return pairs[:, 0], pairs[:, 1], np.where(pairs[:, 0] == pairs[:, 1], 0.5, 1.0) * number

    def curvature(self) -> Array:
        """Fisher information of the votes at equal scores (N × N), made definite along the constant."""
        information = np.zeros((self.size, self.size))
        information[self.i, self.j] = -(self.won + self.lost)
        np.fill_diagonal(information, -information.sum(1) + 1e-6)
        return np.asarray(4 / (np.pi * SIGMA**2) * (information + 1 / self.size))

    def __call__(self, scores: Array) -> tuple[float, Array]:
        x = (scores[self.i] - scores[self.j]) / SIGMA
        log_p, log_not = log_ndtr(x), log_ndtr(-x)
        log_density = -0.5 * (x**2 + np.log(2 * np.pi)) - np.log(SIGMA)
        slope_p, slope_not = np.exp(log_density - log_p), -np.exp(log_density - log_not)
        value = -(self.won @ log_p + self.lost @ log_not)
        slope = -(self.won * slope_p + self.lost * slope_not)
        if self.groups is not None:
            prior_value, prior_slope = self._prior(log_p, log_not, slope_p, slope_not)
            value, slope = value + prior_value, slope + prior_slope
        gradient = np.bincount(self.i, slope, self.size) - np.bincount(self.j, slope, self.size)
        centred = scores - scores.mean()
        return float(value + self.ridge * centred @ centred), gradient + 2 * self.ridge * centred

    def _prior(self, log_p: Array, log_not: Array, slope_p: Array, slope_not: Array) -> tuple[float, Array]:
        """−Σ_a log(prior_a + 0.1) and its slope by each distance; blocks of groups bound the memory."""
        k, rest, number = self.groups  # type: ignore[misc]  # only called where there are groups
        step = max(1, _BLOCK // len(log_p))
        blocks = [slice(at, at + step) for at in range(0, len(k), step)]

        def weights(block: slice) -> Array:
            w = np.stack((k[block], rest[block]), 1) @ np.stack((log_p, log_not))
            w -= w.max(1, keepdims=True)
            np.exp(w, out=w)
            w /= w.sum(1, keepdims=True)
            return w

        kept = [weights(block) for block in blocks] if len(blocks) <= _KEPT_BLOCKS else None
        half = np.zeros_like(log_p)
        for b, w in zip(blocks, kept or map(weights, blocks), strict=True):
            half += number[b] @ w
        prior = half + _mirror(half) + 0.1
        inverse = 1 / prior
        slope = np.zeros_like(log_p)
        for b, w in zip(blocks, kept or map(weights, blocks), strict=True):
            for_, against, mean = number[b] * k[b], number[b] * rest[b], w @ inverse
            pull = np.stack((for_, for_ * mean, against, against * mean)) @ w
            slope -= (pull[0] * inverse - pull[1]) * slope_p + (pull[2] * inverse - pull[3]) * slope_not
        # a mirrored group's weight is this one's at the opposite distance, so its slope is this one's, negated
        return float(-np.log(prior).sum()), slope - _mirror(slope)


def _mirror(values: Array) -> Array:
    """Values of the ordered pairs (j, i) where `values` are those of (i, j)."""
    return np.roll(values, len(values) // 2)
