"""Scores of single scenes: each by itself, and only of what it has."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mdfloss.study.per_scene import scale_scenes
from mdfloss.study.votes import Votes, read_votes


@pytest.mark.data
def test_equals_pwcmp_on_real_votes(data_dir: Path) -> None:
    cases = json.loads((data_dir / "pwcmp" / "golden.json").read_text())["cases"]
    case = cases["ex3_corridor"]
    votes = read_votes(data_dir / "pwcmp" / case["csv"], conditions=case["conditions"])
    found = {scene.scene: scene.intervals for scene in scale_scenes(votes, samples=2)}
    assert set(found) == set(votes.scenes)
    for scene in ("corridor", "exhibition", "rivoli"):
        np.testing.assert_allclose(found[scene].scores, cases[f"ex3_{scene}"]["Q"], atol=2e-3)


def test_a_scene_has_its_own_conditions_and_observers() -> None:
    row = {"session": "1", "condition_B": "y"}
    rows = [
        {**row, "observer": who, "scene": scene, "condition_A": first, "is_A_selected": vote}
        for scene, first, people in (("cat", "x", "abc"), ("dog", "z", "a"))
        for who in people
        for vote in "101"
    ]
    cat, dog = scale_scenes(Votes.from_rows(rows), samples=5)
    assert (cat.scene, cat.conditions, cat.votes.tolist()) == ("cat", ("x", "y"), [9, 9])
    assert (dog.scene, dog.conditions, dog.votes.tolist()) == ("dog", ("y", "z"), [3, 3])
    assert np.isfinite(cat.intervals.low).all()
    assert np.isnan(dog.intervals.low).all()
    assert dog.intervals.scores[1] > dog.intervals.scores[0]
