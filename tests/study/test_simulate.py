"""Simulated observers and the plan made with them."""

from __future__ import annotations

import numpy as np
import pytest

from mdfloss.study.scaling import preference
from mdfloss.study.simulate import plan_study, simulate_votes


def test_votes_are_balanced_and_follow_the_model() -> None:
    votes = simulate_votes([0, 1, 3], participants=300, trials=30, seed=0)
    assert (votes.sum((1, 2)) == 30).all()
    counts = votes.sum(0)
    assert (counts + counts.T)[np.triu_indices(3, 1)].tolist() == [3000] * 3
    assert counts[1, 0] / 3000 == pytest.approx(float(preference(1)), abs=0.03)


def test_lapses_pull_to_a_coin() -> None:
    votes = simulate_votes([0, 9], participants=100, trials=40, seed=0, lapses=0.5).sum(0)
    assert votes[0, 1] / 4000 == pytest.approx(0.25, abs=0.03)


def test_plan_keeps_its_promise() -> None:
    plan = plan_study([0, 0.5, 1], trials=12, width=0.5, repeats=2, samples=40)
    assert plan.votes == 12 * plan.participants
    assert plan.rows[-1].width <= 0.5
    assert plan.participants <= plan.rows[-1].participants
    widths = [row.width for row in plan.rows]
    assert widths == sorted(widths, reverse=True)


def test_faults() -> None:
    with pytest.raises(ValueError, match="width 0"):
        plan_study([0, 1], trials=9, width=0)
    with pytest.raises(ValueError, match=r"scores must be finite, got \[0.0, nan\]"):
        plan_study([0, np.nan], trials=9, width=1)
