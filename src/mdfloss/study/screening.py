"""Which votes to trust: obvious trials that were missed, and observers whom nobody agrees with."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from .scaling import SIGMA, DisconnectedWarning, scale
from .votes import Votes

__all__ = ["EXCLUDE_FROM", "LOOK_FROM", "Agreement", "Discarded", "agreement", "discard_sessions"]

Array = NDArray[np.float64]

LOOK_FROM = 1.0
"""Distance, in interquartile ranges below the first quartile, from which an observer deserves a look."""

EXCLUDE_FROM = 1.5
"""Distance from which an observer is left out."""


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
    """

    log_likelihood: Array
    distance: Array

    @property
    def excluded(self) -> NDArray[np.bool_]:
        """Observers to leave out."""
        return self.distance >= EXCLUDE_FROM


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
    for scene in votes:
        everyone = scene.sum(0)
        first = scale(everyone, prior=prior).scores
        for observer, own in enumerate(scene):
            if own.any() and (everyone - own).any():
                total[observer] += _log_likelihood(own, everyone - own, prior=prior, start=first)
    number = votes.sum((0, 2, 3))
    mean = np.divide(total, number, out=np.full_like(total, np.nan), where=number > 0)
    low, high = np.nanpercentile(mean, [25, 75])
    below = np.nan_to_num((low - mean) / max(high - low, 1e-12))
    return Agreement(mean, np.maximum(below, 0))


def _log_likelihood(own: Array, others: Array, *, prior: str, start: Array) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisconnectedWarning)
        scores = scale(others, prior=prior, start=start).scores
    return float((own * log_ndtr((scores[:, None] - scores[None, :]) / SIGMA)).sum())
