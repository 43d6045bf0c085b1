"""From votes to results: screening, scaling, tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .export import check_rows, open_readonly, vote_rows
from .intervals import Comparisons, Intervals, bootstrap, compare_scores, without_observers
from .screening import Agreement, Discarded, agreement, discard_sessions
from .store import VOTES
from .trials import Study
from .votes import Votes, read_rows, read_votes, yes_or_no

__all__ = ["Analysis", "analyze", "cautions", "load_votes", "preference_percentages"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Analysis:
    """The results of a study.

    Attributes:
        votes: The votes that were scaled.
        discarded: Work units dropped for a missed golden trial.
        agreement: How each observer agrees with the others; None with fewer than three observers.
        excluded: Observers left out for disagreeing.
        intervals: Scores with intervals, in JND.
        comparisons: Tests of all pairs.
    """

    votes: Votes
    discarded: Discarded
    agreement: Agreement | None
    excluded: tuple[str, ...]
    intervals: Intervals
    comparisons: Comparisons


def load_votes(source: Path, *, checks: Path | None = None) -> tuple[Votes, frozenset[str]]:
    """Votes on real trials, and the names of work units that missed a golden one.

    Args:
        source: A study folder, or a CSV file with pwcmp's columns.
        checks: The export of golden trials that goes with a CSV file.

    Raises:
        ValueError: The file is no table of votes, or the other none of golden trials in its work units.
    """
    if not source.is_dir():
        votes = read_votes(source)
        return votes, frozenset() if checks is None else _failed_units(checks, votes)
    study = Study.load(source)
    db = open_readonly(source / VOTES)
    try:
        rows = [{name: str(value) for name, value in row.items()} for row in vote_rows(db)]
        missed = [row for row in check_rows(db) if not row["passed"]]
        failed = frozenset(f"{row['observer']}/{row['session']}" for row in missed)
    finally:
        db.close()
    return Votes.from_rows(rows, conditions=study.conditions), failed


def _failed_units(checks: Path, votes: Votes) -> frozenset[str]:
    """The work units that missed a golden trial, from a table of those trials."""
    passed: dict[str, bool] = {}
    for number, row in enumerate(read_rows(checks), start=1):
        if missing := {"observer", "session", "passed"} - row.keys():
            raise ValueError(f"{checks} has no column {sorted(missing)}: it must be the export of golden trials")
        answer = yes_or_no(row["passed"])
        if answer is None:
            raise ValueError(f"{checks}: row {number} has passed = {row['passed']!r}: it is 1 or 0")
        unit = f"{row['observer'].strip()}/{row['session'].strip()}"
        passed[unit] = answer and passed.get(unit, True)
    if not passed.keys() & set(votes.sessions):
        raise ValueError(f"{checks} has no golden trial of the sessions that voted: it belongs to other votes")
    return frozenset(unit for unit, answer in passed.items() if not answer)


def analyze(
    votes: Votes,
    *,
    failed: frozenset[str] = frozenset(),
    screen: bool = True,
    prior: str = "gaussian",
    regularization: str = "mean0",
    samples: int = 500,
    seed: int = 0,
) -> Analysis:
    """Screen, scale and test.

    Args:
        votes: Votes on real trials.
        failed: Work units to drop, from `load_votes`.
        screen: Leave out observers from 1.5 interquartile ranges of disagreement on.
        prior: As in `scale`.
        regularization: As in `scale`.
        samples: Bootstrap draws.
        seed: Their seed.

    Raises:
        ValueError: No votes are left.
    """
    discarded = discard_sessions(votes, failed)
    kept = discarded.votes
    if not len(kept):
        raise ValueError(f"all {len(votes)} votes are in work units with a missed golden trial: nothing is left")
    agreed = agreement(kept.counts_by_observer(), prior=prior) if len(votes.observers) > 2 else None
    out = agreed.excluded if agreed is not None and screen else np.zeros(len(votes.observers), dtype=bool)
    kept = kept.keep(~out[kept.observer])
    counts = kept.counts_by_observer()
    if len(np.unique(kept.observer)) > 1:
        intervals = bootstrap(counts, samples=samples, seed=seed, prior=prior, regularization=regularization)
    else:
        intervals = without_observers(counts.sum(0), prior=prior, regularization=regularization)
    names = tuple(name for name, left_out in zip(votes.observers, out, strict=True) if left_out)
    return Analysis(kept, discarded, agreed, names, intervals, compare_scores(intervals))


def preference_percentages(votes: Votes) -> Array:
    """N × N: percentage of a pair's votes that preferred the row to the column; NaN where there is none."""
    counts = votes.counts().astype(np.float64)
    total = counts + counts.T
    percent: Array = np.divide(100 * counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    return percent


def cautions(analysis: Analysis) -> list[str]:
    """What is to know before the results are believed, in plain sentences; none where all is well."""
    names, scaling = np.array(analysis.votes.conditions), analysis.intervals.scaling
    found = []
    if scaling.components > 1:
        apart = (", ".join(names[scaling.component == part]) for part in range(scaling.components))
        found.append(f"never compared, not even through others, and so not tested: {' | '.join(apart)}")
    parts, sizes = np.unique(scaling.bounded, return_counts=True)
    if len(parts) > 1:
        outside = names[scaling.bounded != parts[sizes.argmax()]]
        found.append(
            f"all votes between {', '.join(outside)} and the others went one way: how far apart they are is the "
            "prior's guess, and the intervals do not know it"
        )
    if len(np.unique(analysis.votes.observer)) < 2:
        found.append("one observer voted: nothing tells how far people differ, so there are no intervals and no tests")
    return found
