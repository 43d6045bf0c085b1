from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from mdfloss.data import Pair
from mdfloss.training import TrainConfig
from mdfloss.training.module import TrainingDivergedError
from mdfloss.training.run_folder import RunFolder
from mdfloss.training.streamed import StreamedTraining

CPU = torch.device("cpu")


def _open(config: TrainConfig, folder: Path) -> StreamedTraining:
    training = StreamedTraining(config, RunFolder(folder))
    training.open(CPU, [Pair(distorted=torch.full((1, 3, 16, 16), 0.4), clean=torch.full((1, 3, 16, 16), 0.5))])
    return training


def _batch(value: float = 0.4) -> Pair:
    return Pair(distorted=torch.full((4, 3, 16, 16), value), clean=torch.full((4, 3, 16, 16), 0.5))


def test_a_step_changes_the_weights_and_a_validation_writes_them(config: TrainConfig, tmp_path: Path) -> None:
    training = _open(dataclasses.replace(config, val_every=2), tmp_path / "run")
    before = [parameter.clone() for parameter in training.network.parameters()]
    training.advance(_batch())
    assert not training.is_due
    training.advance(_batch())
    assert training.is_due
    assert not all(map(torch.equal, before, training.network.parameters()))
    training.validate()
    assert training.network.training
    state = training.folder.load_state()
    assert state is not None
    assert (state["step"], state["optimizers"][0]["state"][0]["step"]) == (2, 2)


def test_what_is_not_finite_stops_it(config: TrainConfig, tmp_path: Path) -> None:
    training = _open(config, tmp_path / "run")
    with pytest.raises(TrainingDivergedError, match="the network's output is no longer finite at step 0"):
        training.advance(_batch(float("nan")))
    next(training.network.parameters()).data[0] = float("inf")
    with pytest.raises(TrainingDivergedError, match="a weight is no longer finite"):
        training.validate()
    assert not (tmp_path / "run").exists()
