"""Which votes to trust: obvious trials that were missed, and observers whom nobody agrees with."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from .scaling import SIGMA, DisconnectedWarning, scale
from .votes import Votes

__all__ = ["EXCLUDE_FROM", "UNLIKELY", "Agreement", "Discarded", "agreement", "discard_sessions"]

Array = NDArray[np.float64]

EXCLUDE_FROM = 1.5
"""Distance, in interquartile ranges below the first quartile, from which an observer is left out."""

UNLIKELY = 0.05
"""Chance below which disagreement is the observer's own. A minority's vote is not a mistake."""

_DRAWS = 999
_LEAST_RANGE = 1e-3  # nats a vote: observers who differ by less agree alike


@dataclass(frozen=True)
class Discarded:
    """What is left when work units with a missed obvious trial are dropped.

    Attributes:
        votes: The votes that remain.
        sessions: Names of the dropped work units.
        dropped: Number of votes dropped.
        percentage: The same, of all votes.
    """

    votes: Votes
    sessions: tuple[str, ...]
    dropped: int
    percentage: float


@dataclass(frozen=True)
class Agreement:
    """How well each observer's votes are foretold by the others'.

    Attributes:
        log_likelihood: Mean natural logarithm of a vote's probability under the others' scores; NaN without votes.
        distance: Interquartile ranges below the first quartile of all observers; 0 above it.
        chance: How often an observer of the others' opinion, voting on the same pairs, would agree no better.
    """

    log_likelihood: Array
    distance: Array
    chance: Array

    @property
    def excluded(self) -> NDArray[np.bool_]:
        """Observers to leave out: far from the others, and not by chance, as a single vote or two would be."""
        return (self.distance >= EXCLUDE_FROM) & (self.chance < UNLIKELY)


def discard_sessions(votes: Votes, failed: frozenset[str]) -> Discarded:
    """Drop whole work units, as the paper does (Sec. 4.3) when an obvious trial was missed.

    Args:
        votes: All votes on real trials.
        failed: Names of failed units, "observer/session" as in `Votes.sessions`.
    """
    bad = np.array([name in failed for name in votes.sessions], dtype=bool)[votes.session]
    dropped = int(bad.sum())
    names = tuple(name for name in votes.sessions if name in failed)
    return Discarded(votes.keep(~bad), names, dropped, 100 * dropped / max(len(votes), 1))


def agreement(counts: ArrayLike, *, prior: str = "gaussian") -> Agreement:
    """Leave-one-out likelihood: scale without each observer, and ask how likely the observer's votes then are.

    Args:
        counts: O × N × N votes, one matrix an observer; or S × O × N × N where S scenes are scaled one by one and
            their likelihoods added.
        prior: As in `scale`.

    Returns:
        One value an observer of each kind; the chance comes from 999 seeded draws.

    Raises:
        ValueError: Another shape, or fewer than three observers.

    Source:
        `pw_outlier_analysis.m` of mantiuk/pwcmp, with the likelihood divided by the number of votes so that observers
        with more votes do not look worse.
    """
    votes = np.asarray(counts, dtype=np.float64)
    votes = votes[None] if votes.ndim == 3 else votes
    if votes.ndim != 4 or votes.shape[2] != votes.shape[3] or votes.shape[1] < 3:
        raise ValueError(
            f"counts has shape {votes.shape}: needed are three or more observers × conditions × conditions"
        )
    total = np.zeros(votes.shape[1])
    drawn = np.zeros((_DRAWS, votes.shape[1]))
    random = np.random.default_rng(0)
    for scene in votes:
        everyone = scene.sum(0)
        first = scale(everyone, prior=prior).scores
        for observer, own in enumerate(scene):
            if own.any() and (everyone - own).any():
                log_p = _foretold(everyone - own, prior=prior, start=first)
                total[observer] += float((own * log_p).sum())
                drawn[:, observer] += _likelihoods_of_draws(own, log_p, random)
    number = votes.sum((0, 2, 3))
    mean = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    low, high = np.nanpercentile(mean, [25, 75])
    below = np.nan_to_num((low - mean) / max(high - low, _LEAST_RANGE))
    chance = (1 + (drawn <= total + 1e-9).sum(0)) / (1 + _DRAWS)
    return Agreement(mean, np.maximum(below, 0), chance)


def _foretold(others: Array, *, prior: str, start: Array) -> Array:
    """N × N logarithms of the chance that the others' scores give the row over the column."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisconnectedWarning)
        scores = scale(others, prior=prior, start=start).scores
    return np.asarray(log_ndtr((scores[:, None] - scores[None, :]) / SIGMA))


def _likelihoods_of_draws(own: Array, log_p: Array, random: np.random.Generator) -> Array:
    """Log likelihoods of votes drawn for the pairs that an observer voted on; fractions of votes are rounded."""
    rows, columns = np.nonzero(np.triu(own + own.T))
    number = np.rint((own + own.T)[rows, columns]).astype(np.int64)
    won = random.binomial(number, np.exp(log_p[rows, columns]), (_DRAWS, len(rows)))
    return np.asarray(won @ log_p[rows, columns] + (number - won) @ log_p[columns, rows])
