"""Active sampling: the pairs whose next vote is expected to tell most about the scores.

The scores have a Gaussian belief: a N(0, 2²) prior in JND and the votes, by Laplace's approximation. The expected
information gain of a vote on (i, j), its mutual information with the scores, is the entropy of the vote less the mean
entropy that is left once the distance is known. A batch is the spanning tree of largest gain, so that it links
all conditions and repeats no pair: the criterion and batches of ASAP (Mikhailiuk et al., ICPR 2020, arXiv 2004.05691,
repository gfxdisp/asap), which factorises the belief where this one keeps the whole covariance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.special import entr, log_ndtr

from .scaling import SIGMA, preference

__all__ = ["belief", "information_gain", "next_pairs"]

Array = NDArray[np.float64]

_PRIOR_DEVIATION = 2.0
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)


def belief(counts: ArrayLike) -> tuple[Array, Array]:
    """Mean and covariance of the scores after votes.

    Args:
        counts: N × N votes, row preferred to column; fractions are allowed.

    Returns:
        N means and N × N covariance, in JND.
    """
    votes = np.asarray(counts, dtype=np.float64)
    mean = np.zeros(len(votes))
    for _ in range(50):  # Newton on a concave function: a handful of steps
        x = (mean[:, None] - mean[None, :]) / SIGMA
        hazard = np.exp(-0.5 * x**2 - log_ndtr(x)) / np.sqrt(2 * np.pi)
        pull = votes * hazard / SIGMA
        weight = votes * hazard * (hazard + x) / SIGMA**2
        weight = weight + weight.T
        precision = np.diag(weight.sum(1) + _PRIOR_DEVIATION**-2) - weight
        step = np.linalg.solve(precision, pull.sum(1) - pull.sum(0) - mean * _PRIOR_DEVIATION**-2)
        mean = mean + step
        if np.abs(step).max() < 1e-8:
            break
    return mean, np.linalg.inv(precision)


def information_gain(counts: ArrayLike) -> Array:
    """Expected information, in nats, that one more vote on each pair gives about the scores.

    Args:
        counts: As in `belief`.

    Returns:
        N × N, symmetric, zero on the diagonal.
    """
    mean, covariance = belief(counts)
    distance = mean[:, None] - mean[None, :]
    variance = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    deviation = np.sqrt(np.maximum(variance, 0))
    known = preference(distance[..., None] + deviation[..., None] * _NODES)
    left = (entr(known) + entr(1 - known)) @ (_WEIGHTS / _WEIGHTS.sum())
    chance = known @ (_WEIGHTS / _WEIGHTS.sum())
    gain = np.maximum(entr(chance) + entr(1 - chance) - left, 0)
    np.fill_diagonal(gain, 0)
    return np.asarray((gain + gain.T) / 2)


def next_pairs(counts: ArrayLike, number: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs to compare next: spanning trees of largest gain, one after the other.

    Args:
        counts: As in `belief`. Trials that are handed out and not voted on yet may count half a vote each way.
        number: Pairs wanted; a batch is N − 1. None comes twice before all came once.
        random: Breaks ties.

    Returns:
        `number` pairs of indexes, i < j.
    """
    gain = information_gain(counts)
    gain = np.triu(gain * (1 + 1e-6 * random.random(gain.shape)), 1)
    free = np.triu(np.ones(gain.shape, dtype=bool), 1)
    pairs: list[tuple[int, int]] = []
    while len(pairs) < number:
        if not free.any():
            free = np.triu(np.ones(gain.shape, dtype=bool), 1)
        tree = minimum_spanning_tree(np.where(free, 1 / np.maximum(gain, 1e-12), 0)).tocoo()
        order = np.argsort(tree.data)
        rows, columns = tree.coords[0][order], tree.coords[1][order]
        free[rows, columns] = False
        pairs += [(int(i), int(j)) for i, j in zip(rows, columns, strict=True)]
    return pairs[:number]
