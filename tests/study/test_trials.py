"""Designs: full, balanced, and what one participant sees."""

from __future__ import annotations

import json

import numpy as np
import pytest
from participant import MakeStudy

from mdfloss.study.trials import BAD, GOOD, Study, StudyConfig, plan_trials, practice_trials


def load_of(study: Study) -> np.ndarray:
    return np.zeros((len(study.scenes), len(study.pairs)), dtype=np.int64)


def test_full_design_has_every_pair_on_every_picture(make_study: MakeStudy) -> None:
    study = make_study(design="full")
    trials = plan_trials(study, load_of(study), np.random.default_rng(0))
    real = {(t.scene, frozenset((t.left, t.right))) for t in trials if t.kind == "real"}
    assert len(real) == 9
    assert sum(t.kind == "golden" for t in trials) == 2
    assert trials[0].kind == "real"


def test_random_design_balances_over_participants(study: Study) -> None:
    load = load_of(study)
    place = {scene.name: at for at, scene in enumerate(study.scenes)}
    for participant in range(7):
        for trial in plan_trials(study, load, np.random.default_rng(participant)):
            if trial.kind == "real":
                pair = [set(pair) for pair in study.pairs].index({trial.left, trial.right})
                load[place[trial.scene], pair] += 1
    assert load.max() - load.min() <= 1
    assert load.sum() == 63


def test_sides_and_order_are_random_and_reproducible(study: Study) -> None:
    plans = [plan_trials(study, load_of(study), np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    many = [t for seed in range(60) for t in plan_trials(study, load_of(study), np.random.default_rng(seed))]
    left = np.mean([t.left == GOOD for t in many if t.kind == "golden"])
    assert 0.3 < left < 0.7


def test_golden_and_practice_trials_are_obvious(study: Study) -> None:
    assert {practice_trials(study, np.random.default_rng(0))[0].left} <= {GOOD, BAD}
    for trial in plan_trials(study, load_of(study), np.random.default_rng(0)):
        assert ({trial.left, trial.right} == {GOOD, BAD}) == (trial.kind == "golden")


def test_round_trip(study: Study) -> None:
    assert Study.load(study.folder) == study


def test_faults(study: Study) -> None:
    with pytest.raises(FileNotFoundError, match="is no study"):
        Study.load(study.folder / "images")
    path = study.folder / "study.json"
    record = json.loads(path.read_text())
    record["config"]["colour"] = "red"
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="unknown settings"):
        Study.load(study.folder)
    for change, message in (
        ({"mode": "spin"}, "mode is 'spin'"),
        ({"trials": 0}, "trials is 0"),
        ({"completion_url": "javascript:alert(1)"}, "https"),
    ):
        with pytest.raises(ValueError, match=message):
            StudyConfig(**change)  # type: ignore[arg-type]
