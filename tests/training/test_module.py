from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from mdfloss.data import Pair
from mdfloss.losses import build_loss
from mdfloss.networks import DnCNN, save_network
from mdfloss.training import TrainConfig
from mdfloss.training.module import TrainingDivergedError, TrainingModule, first_network, learnt_digests


@pytest.fixture
def module(config: TrainConfig) -> TrainingModule:
    return TrainingModule(config, DnCNN(num_layers=2, num_features=2), build_loss("l1"))


def test_only_the_network_is_trained_and_saved(module: TrainingModule) -> None:
    assert {name.split(".")[0] for name in module.state_dict()} == {"network"}
    assert set(module.trained()) == {"network"}


@pytest.mark.parametrize(
    "select, better, worse", [("psnr", (9.0, 30.0), (1.0, 29.0)), ("loss", (1.0, 2.0), (9.0, 30.0))]
)
def test_what_is_best(
    module: TrainingModule, select: str, better: tuple[float, float], worse: tuple[float, float]
) -> None:
    module.config = dataclasses.replace(module.config, select=select)
    rows = [{"val_loss": loss, "val_psnr": psnr} for loss, psnr in (worse, better, worse, better)]
    improved = []
    for row in rows:
        module.curves.append(row)
        improved.append(module.improve())
    assert improved == [True, True, False, False]


def test_a_row_says_how_many_relus_fire_on_no_picture(module: TrainingModule) -> None:
    module.mean_over_devices = lambda value: value  # type: ignore[method-assign]
    with torch.no_grad():
        module.network.model[0].bias.copy_(torch.tensor([9.0, -9.0]))
    for _ in range(2):
        module.step += 1
        for size in (16, 20):
            module.validation_step(Pair(torch.rand(1, 3, size, size), torch.rand(1, 3, size, size)), 0)
        module.on_validation_epoch_end()
    assert [row["dead_relus"] for row in module.curves] == [0.5, 0.5]


def test_a_value_that_is_not_finite_stops(module: TrainingModule) -> None:
    module.step = 3
    module.check_finite(torch.ones(2), "the gradient")
    for bad in (torch.inf, torch.nan):
        with pytest.raises(TrainingDivergedError, match="the gradient is no longer finite at step 3"):
            module.check_finite(torch.tensor([1.0, bad]), "the gradient")


def test_a_run_begins_with_fresh_weights_or_with_a_file(config: TrainConfig, tmp_path: Path) -> None:
    fresh, again = (first_network(config, torch.Generator().manual_seed(1)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), again.parameters(), strict=True))
    save_network(fresh, tmp_path / "start.safetensors")
    config = dataclasses.replace(config, start=str(tmp_path / "start.safetensors"))
    started = first_network(config, torch.Generator().manual_seed(2))
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), started.parameters(), strict=True))
    wider = dataclasses.replace(config, network_args={**config.network_args, "num_features": 5})
    with pytest.raises(ValueError, match=r"the run trains DnCNN .*: give the same network"):
        first_network(wider, torch.Generator())


def test_digests_change_with_what_was_learnt_and_with_nothing_else(config: TrainConfig, tmp_path: Path) -> None:
    assert learnt_digests(config) == {"banks_sha256": None, "start_sha256": None}
    files = [tmp_path / f"{name}.safetensors" for name in ("one", "copy", "other")]
    for file, seed in zip(files, (1, 1, 2), strict=True):
        save_network(first_network(config, torch.Generator().manual_seed(seed)), file, loss=file.stem)
    configs = [dataclasses.replace(config, start=str(file), loss="mdf:denoise") for file in files]
    one, copy, other = (learnt_digests(config) for config in configs)
    assert one == copy
    assert one["start_sha256"] != other["start_sha256"]
    assert one["banks_sha256"] == other["banks_sha256"] is not None
