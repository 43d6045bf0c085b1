"""Screening: whole work units, and observers whom the others contradict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mdfloss.study.screening import agreement, discard_sessions
from mdfloss.study.simulate import simulate_votes
from mdfloss.study.votes import Votes, read_votes


def test_whole_units_are_dropped_and_counted() -> None:
    rows = [
        {"observer": who, "session": unit, "scene": "s", "condition_A": "x", "condition_B": "y", "is_A_selected": "1"}
        for who, unit, number in (("ann", "1", 9), ("ann", "2", 9), ("bob", "1", 6))
        for _ in range(number)
    ]
    left = discard_sessions(Votes.from_rows(rows), frozenset({"ann/2"}))
    assert (len(left.votes), left.dropped, left.percentage, left.sessions) == (15, 9, 37.5, ("ann/2",))


def test_a_contrary_observer_is_found() -> None:
    votes = simulate_votes([0, 0.5, 1, 2], participants=14, trials=60, seed=0)
    votes[5] = votes[5].T.copy()
    found = agreement(votes)
    assert found.excluded.tolist() == [observer == 5 for observer in range(14)]
    assert found.log_likelihood.argmin() == 5
    assert (found.distance >= 0).all()


def test_more_votes_do_not_look_worse() -> None:
    votes = simulate_votes([0, 1, 2], participants=10, trials=30, seed=1)
    votes[3] *= 4
    assert agreement(votes).distance[3] < 1.5


def test_a_minority_is_not_a_mistake() -> None:
    votes = np.zeros((20, 2, 2))
    votes[:16, 0, 1], votes[16:, 1, 0] = 1, 1  # one vote each, and one in five dissents
    found = agreement(votes)
    assert (found.distance[16:] > 1.5).all()
    assert not found.excluded.any()
    votes[19, 1, 0] = 30  # thirty against the rest are no accident
    assert agreement(votes).excluded.nonzero()[0].tolist() == [19]


@pytest.mark.data
def test_real_observers(data_dir: Path) -> None:
    votes = read_votes(data_dir / "pwcmp" / "ex3_tmo_cmp_data.csv")
    scenes = [votes.keep(votes.scene == at).counts_by_observer() for at in range(2)]
    found = agreement(np.stack(scenes))
    assert np.isfinite(found.log_likelihood).all()
    assert found.excluded.sum() <= 3


def test_faults() -> None:
    with pytest.raises(ValueError, match="three or more observers"):
        agreement(np.zeros((2, 3, 3)))
