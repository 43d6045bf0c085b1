"""Observers who follow the model, and how many of them a study needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .intervals import bootstrap
from .scaling import preference

__all__ = ["Plan", "PlanRow", "plan_study", "simulate_votes"]


@dataclass(frozen=True)
class PlanRow:
    """A size of study, and the intervals to expect.

    Attributes:
        participants: Number of participants whose votes count.
        votes: Votes of all of them.
        width: Mean full width of the intervals, in JND.
    """

    participants: int
    votes: int
    width: float


@dataclass(frozen=True)
class Plan:
    """Sizes that were simulated, and the one that is needed.

    Attributes:
        rows: Simulated sizes, smallest first.
        participants: Participants whose mean interval has the wanted width, from the last rows by 1/√n.
        votes: Votes of so many participants.
    """

    rows: tuple[PlanRow, ...]
    participants: int
    votes: int


def simulate_votes(
    scores: ArrayLike,
    *,
    participants: int,
    trials: int,
    seed: int,
    spread: float = 0.0,
    lapses: float = 0.0,
) -> NDArray[np.int64]:
    """Votes of simulated participants on balanced random pairs.

    Args:
        scores: N true scores, in JND.
        participants: Number of participants O.
        trials: Votes of each.
        seed: Seed of pairs and votes.
        spread: Standard deviation of a participant's own scores around the true ones, in JND.
        lapses: Share of votes that are given blindly.

    Returns:
        O × N × N votes, one matrix a participant.
    """
    truth = np.asarray(scores, dtype=np.float64)
    random = np.random.default_rng(seed)
    first, second = np.triu_indices(len(truth), 1)
    rounds = -(-participants * trials // len(first))
    deck = np.concatenate([random.permutation(len(first)) for _ in range(rounds)])[: participants * trials]
    who = np.repeat(np.arange(participants), trials)
    i, j = first[deck], second[deck]
    own = truth + spread * random.standard_normal((participants, len(truth)))
    chance = lapses / 2 + (1 - lapses) * preference(own[who, i] - own[who, j])
    won = random.random(len(deck)) < chance
    votes = np.zeros((participants, len(truth), len(truth)), dtype=np.int64)
    np.add.at(votes, (who, np.where(won, i, j), np.where(won, j, i)), 1)
    return votes


def plan_study(
    scores: ArrayLike,
    *,
    trials: int,
    width: float,
    seed: int = 0,
    spread: float = 0.3,
    lapses: float = 0.02,
    repeats: int = 5,
    samples: int = 100,
) -> Plan:
    """How many participants give intervals of a wanted width (power planning by dry runs).

    Studies of growing size are simulated, scaled and bootstrapped until the intervals are narrow enough, or until
    their 1/√n law is plain.

    Args:
        scores: N assumed scores, in JND; evenly spaced ones half a JND apart are a careful guess.
        trials: Votes of each participant.
        width: Wanted mean full width of the 95 % intervals, in JND.
        seed: Seed of the simulation.
        spread: As in `simulate_votes`.
        lapses: As in `simulate_votes`.
        repeats: Simulated studies of each size.
        samples: Bootstrap draws of each.

    Raises:
        ValueError: `width`, `trials` or the number of scores is too small to plan with, or a score is not finite.
    """
    truth = np.asarray(scores, dtype=np.float64)
    if width <= 0 or trials < 1 or truth.size < 2:
        raise ValueError(f"width {width}, trials {trials}, {truth.size} scores: needed are > 0, ≥ 1 and ≥ 2")
    if not np.isfinite(truth).all():
        raise ValueError(f"scores must be finite, got {truth.tolist()}")
    pairs = truth.size * (truth.size - 1) // 2
    participants = max(8, -(-3 * pairs // trials))
    rows: list[PlanRow] = []
    while len(rows) < 6:
        rows.append(_simulated_row(truth, participants, trials, seed, spread, lapses, repeats, samples))
        if rows[-1].width <= width:
            break
        participants *= 2
    last = rows[-1]
    needed = max(2, int(np.ceil(last.participants * (last.width / width) ** 2)))
    return Plan(tuple(rows), needed, needed * trials)


def _simulated_row(
    truth: NDArray[np.float64],
    participants: int,
    trials: int,
    seed: int,
    spread: float,
    lapses: float,
    repeats: int,
    samples: int,
) -> PlanRow:
    widths = []
    for repeat in range(repeats):
        votes = simulate_votes(
            truth, participants=participants, trials=trials, seed=seed + repeat, spread=spread, lapses=lapses
        )
        intervals = bootstrap(votes, samples=samples, seed=seed + repeat)
        widths.append(float((intervals.high - intervals.low).mean()))
    return PlanRow(participants, participants * trials, float(np.mean(widths)))
