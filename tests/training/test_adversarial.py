from __future__ import annotations

import dataclasses
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mdfloss.bank import DiscriminatorBank
from mdfloss.networks import load_network
from mdfloss.training import AdversarialConfig, Hardware, TrainConfig, train, train_adversarial
from mdfloss.training.adversarial import GanVariant, gan_losses


@pytest.fixture
def x2(config: TrainConfig) -> TrainConfig:
    data = dataclasses.replace(config.data, patch_size=32)
    distortion = {"class_path": "Downscale", "init_args": {"factor": 2}}
    arguments = {"num_features": 4, "num_blocks": 1, "upscale": 2}
    return dataclasses.replace(config, data=data, distortion=distortion, network="EDSR", network_args=arguments)


def _game(game: GanVariant) -> AdversarialConfig:
    return AdversarialConfig(game=game, num_features=4)


def test_losses_are_those_of_the_papers() -> None:
    real, fake = torch.tensor([[2.0], [0.0]]), torch.tensor([[-1.0], [1.0]])

    def log_sigmoid(x: float) -> float:
        return -math.log1p(math.exp(-x))

    srgan = gan_losses("srgan", real, fake)
    assert srgan.network.item() == pytest.approx(-(log_sigmoid(-1) + log_sigmoid(1)) / 2, rel=1e-5)
    expected = -(log_sigmoid(2) + log_sigmoid(0)) / 2 - (log_sigmoid(1) + log_sigmoid(-1)) / 2
    assert srgan.critic.item() == pytest.approx(expected / 2, rel=1e-5)
    # Relativistic: real scores less the mean fake (0), fake scores less the mean real (1).
    esrgan = gan_losses("esrgan", real, fake)
    says_real = -(log_sigmoid(2) + log_sigmoid(0)) / 2, -(log_sigmoid(-2) + log_sigmoid(0)) / 2
    says_fake = -(log_sigmoid(-2) + log_sigmoid(0)) / 2, -(log_sigmoid(2) + log_sigmoid(0)) / 2
    assert esrgan.critic.item() == pytest.approx((says_real[0] + says_fake[1]) / 2, rel=1e-5)
    assert esrgan.network.item() == pytest.approx((says_fake[0] + says_real[1]) / 2, rel=1e-5)


@pytest.mark.parametrize("game, patch_size, parameters", [("esrgan", 128, 14_499_401), ("srgan", 96, 26_000_769)])
def test_each_game_has_the_critic_of_its_paper(game: GanVariant, patch_size: int, parameters: int) -> None:
    critic = AdversarialConfig(game=game).critic(patch_size=patch_size, in_channels=3)
    assert sum(p.numel() for p in critic.parameters()) == parameters
    fewer = AdversarialConfig(game=game, num_stages=3).critic(patch_size=8, in_channels=3)
    assert fewer.classifier[0].in_features == 256


@pytest.mark.parametrize("game", ["esrgan", "srgan"])
def test_runs_resume_exactly_after_a_kill(
    game: GanVariant, x2: TrainConfig, cpu: Hardware, tmp_path: Path, tiny_bank: DiscriminatorBank
) -> None:
    tiny_bank.save(tmp_path / "bank.safetensors")
    x2 = dataclasses.replace(x2, loss=f"mdf:{tmp_path / 'bank.safetensors'}")
    whole = train_adversarial(x2, _game(game), tmp_path / "whole", hardware=cpu)
    code = f"""
import sys, time
from mdfloss.data import PatchDataset
from mdfloss.training import *
sample = PatchDataset.__getitem__
PatchDataset.__getitem__ = lambda self, index: time.sleep(1000) if index >= 4 * 11 else sample(self, index)
train_adversarial({x2!r}, {_game(game)!r}, sys.argv[1], hardware={cpu!r})
"""
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "killed"], stderr=subprocess.DEVNULL)
    while not (tmp_path / "killed" / "last.ckpt").exists():
        assert process.poll() is None
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    resumed = train_adversarial(x2, _game(game), tmp_path / "killed", hardware=cpu, resume=True)
    states = [torch.load(run.folder / "last.ckpt", weights_only=True)["modules"] for run in (whole, resumed)]
    assert set(states[0]) == {"network", "critic"}
    for module in states[0]:
        assert all(torch.equal(states[0][module][key], states[1][module][key]) for key in states[0][module])
    assert resumed.curves.read_text() == whole.curves.read_text()


def test_both_sides_learn(x2: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    x2 = dataclasses.replace(x2, steps=40, val_every=20, loss="mse")
    result = train_adversarial(x2, _game("srgan"), tmp_path / "run", hardware=cpu)
    header, first, last = result.curves.read_text().splitlines()
    names = header.split(",")
    before, after = (dict(zip(names, map(float, row.split(",")), strict=True)) for row in (first, last))
    assert after["train_loss"] < before["train_loss"]
    assert after["critic_loss"] < before["critic_loss"]


def test_it_starts_from_a_trained_network(x2: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    trained = train(x2, tmp_path / "plain", hardware=cpu)
    still = dataclasses.replace(x2, optimizer=dataclasses.replace(x2.optimizer, lr=1e-30))
    still = dataclasses.replace(still, start=str(trained.last))
    result = train_adversarial(still, _game("esrgan"), tmp_path / "run", hardware=cpu)
    first, second = load_network(trained.last), load_network(result.last)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_impossible_games_are_refused(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="game must be one of esrgan, srgan, got 'wgan'"):
        AdversarialConfig(game="wgan")
    with pytest.raises(ValueError, match="weight must be positive, got -1"):
        AdversarialConfig(weight=-1)
    with pytest.raises(ValueError, match="num_stages must be positive, got 0"):
        AdversarialConfig(num_stages=0)
    with pytest.raises(ValueError, match="patch_size must be a multiple of 32, got 16: take 32"):
        train_adversarial(config, AdversarialConfig(), tmp_path / "run")
    with pytest.raises(ValueError, match="adversarial training runs on one device, got 2 devices on 1 nodes"):
        train_adversarial(
            config, AdversarialConfig(), tmp_path / "run", hardware=Hardware(accelerator="cpu", devices=2)
        )
    assert not (tmp_path / "run").exists()
