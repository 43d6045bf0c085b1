from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest
import torch

from mdfloss.evaluation.curves import read_curves
from mdfloss.networks import load_network
from mdfloss.training import Hardware, RunFolderError, TrainConfig, train, train_abreast
from mdfloss.training.restoration import RestorationModule


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_network(folder / "last.safetensors").state_dict())


def _variants(config: TrainConfig) -> dict[str, TrainConfig]:
    return {
        "l1": config,
        "mse": dataclasses.replace(config, loss="mse"),
        "drawn": dataclasses.replace(config, loss="mdf:denoise_small@/fast"),
        "longer": dataclasses.replace(config, steps=29),
        "seed 1": dataclasses.replace(config, seed=1, loss="charbonnier"),
        "sgd": dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, name="sgd", clip_norm=0.1)),
        "bfloat16": dataclasses.replace(config, precision="bfloat16"),
    }


def test_each_training_is_the_one_it_would_be_alone(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    variants = _variants(config)
    assert train_abreast({tmp_path / "abreast" / k: v for k, v in variants.items()}, hardware=cpu) == {}
    for name, variant in variants.items():
        alone = train(variant, tmp_path / "alone" / name, hardware=cpu)
        abreast = tmp_path / "abreast" / name
        for key, value in _weights(alone.folder).items():
            assert torch.equal(value, _weights(abreast)[key]), (name, key)
        assert (abreast / "curves.csv").read_text() == alone.curves.read_text(), name
        files = [{path.name for path in folder.iterdir() if path.is_file()} for folder in (abreast, alone.folder)]
        assert files[0] == files[1]


@pytest.mark.gpu
def test_on_cuda_it_is_the_same_but_for_rounding(config: TrainConfig, tmp_path: Path) -> None:
    variants = _variants(config)
    assert (
        train_abreast({tmp_path / "abreast" / k: v for k, v in variants.items()}, hardware=Hardware(accelerator="cuda"))
        == {}
    )
    for name, variant in variants.items():
        alone = train(variant, tmp_path / "alone" / name, hardware=Hardware(accelerator="cuda"))
        abreast = tmp_path / "abreast" / name
        wanted, found = (torch.cat([v.flatten() for v in _weights(f).values()]) for f in (alone.folder, abreast))
        assert (found - wanted).norm() < 0.02 * wanted.norm(), name
        losses = [read_curves(folder / "curves.csv")["train_loss"] for folder in (alone.folder, abreast)]
        assert losses[1] == pytest.approx(losses[0], rel=5e-3), name  # the same scales were drawn


def test_half_done_runs_are_gone_on_with(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train_abreast({whole: config}, hardware=cpu)
    train_abreast({parts: dataclasses.replace(config, steps=24)}, hardware=cpu)
    with pytest.raises(RunFolderError, match="is in use"):
        train_abreast({parts: config}, hardware=cpu)
    _cut_back(parts, config, cpu)
    other = tmp_path / "other"
    train_abreast({parts: config, other: dataclasses.replace(config, loss="mse")}, hardware=cpu, resume=True)
    assert all(torch.equal(value, _weights(parts)[key]) for key, value in _weights(whole).items())
    assert (parts / "curves.csv").read_text() == (whole / "curves.csv").read_text()
    assert len((other / "curves.csv").read_text().splitlines()) == 4


def _cut_back(folder: Path, config: TrainConfig, cpu: Hardware) -> None:
    """Leave what a kill after the second validation would leave."""

    def stop(self: RestorationModule) -> None:
        if self.step == 19:
            raise KeyboardInterrupt

    shutil.rmtree(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RestorationModule, "reseed_loss", stop)
        with pytest.raises(KeyboardInterrupt):
            train_abreast({folder: config}, hardware=cpu)


def test_one_that_diverges_does_not_stop_the_others(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    wild = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, name="sgd", lr=1e30))
    failures = train_abreast({tmp_path / "wild": wild, tmp_path / "tame": config}, hardware=cpu)
    assert list(failures) == [tmp_path / "wild"]
    assert "no longer finite" in failures[tmp_path / "wild"]
    assert (tmp_path / "tame" / "last.safetensors").exists()


def test_a_network_of_another_factor_stops_all_before_a_folder_is_used(
    config: TrainConfig, cpu: Hardware, tmp_path: Path
) -> None:
    edsr = {"network": "EDSR", "network_args": {"num_features": 4, "num_blocks": 1, "upscale": 2}}
    trainings = {tmp_path / "fits": config, tmp_path / "enlarges": dataclasses.replace(config, **edsr)}
    with pytest.raises(ValueError, match="the network enlarges by 2, and the distortion makes"):
        train_abreast(trainings, hardware=cpu)
    assert not any(folder.exists() for folder in trainings)


def test_finished_ones_need_no_pictures(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    train_abreast({tmp_path / "run": config}, hardware=cpu)
    shutil.rmtree(tmp_path / "train")
    assert train_abreast({tmp_path / "run": config}, hardware=cpu, resume=True, progress=True) == {}


def test_one_device_alone(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="share one device, got 2 on 1 nodes"):
        train_abreast({tmp_path / "run": config}, hardware=Hardware(accelerator="cpu", devices=2))
