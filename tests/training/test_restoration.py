from __future__ import annotations

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from mdfloss.bank import DiscriminatorBank
from mdfloss.data import ImageSet, PatchDataset
from mdfloss.distortions import load_distortion
from mdfloss.networks import build_network, load_network, read_card
from mdfloss.training import Hardware, OptimizerConfig, RunFolderError, TrainConfig, train, train_abreast


def _equal(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _by_hand(config: TrainConfig) -> nn.Module:
    """The same training in plain torch."""
    network = build_network(config.network, **config.network_args)
    network.initialise(torch.Generator().manual_seed(config.seed))
    noise = load_distortion(**config.distortion)
    patches = PatchDataset(ImageSet(config.data.train_dir), noise, patch_size=16, seed=config.seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.optimizer.lr)
    for step in range(config.steps):
        optimizer.param_groups[0]["lr"] = config.optimizer.lr_at(step, config.steps)
        samples = [patches[4 * step + i] for i in range(4)]
        pred = network(torch.stack([s.distorted for s in samples]))
        loss = (pred - torch.stack([s.clean for s in samples])).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


def test_it_is_plain_training_with_files_around_it(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    result = train(config, tmp_path / "run", hardware=cpu)
    assert _equal(load_network(result.last), _by_hand(config))
    rows = _rows(result.curves)
    assert [row["step"] for row in rows] == ["8", "16", "24"]
    assert result.best_score == max(float(row["val_psnr"]) for row in rows)
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    assert (read_card(result.best).loss, read_card(result.last).step) == ("l1", 24)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["steps"] == 24
    assert not list((tmp_path / "run").glob(".*"))


def test_the_end_is_validated_even_off_the_beat(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    result = train(dataclasses.replace(config, steps=11), tmp_path / "run", hardware=cpu)
    assert [row["step"] for row in _rows(result.curves)] == ["8", "11"]


def test_killed_and_resumed_it_ends_with_the_same_bits(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    uninterrupted = train(config, tmp_path / "whole", hardware=cpu)
    # Step 19 never comes in this process, so that there is time to kill it between two checkpoints.
    code = f"""
import sys, time
from mdfloss.data import PatchDataset
from mdfloss.training import DataConfig, Hardware, OptimizerConfig, TrainConfig, train
sample = PatchDataset.__getitem__
PatchDataset.__getitem__ = lambda self, index: time.sleep(1000) if index >= 4 * 19 else sample(self, index)
train({config!r}, sys.argv[1], hardware={cpu!r})
"""
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "killed"], stderr=subprocess.DEVNULL)
    checkpoint = tmp_path / "killed" / "last.ckpt"
    while not checkpoint.exists() or torch.load(checkpoint, weights_only=True)["step"] < 16:
        assert process.poll() is None
        time.sleep(0.05)
    for resume in (False, True):
        with pytest.raises(RunFolderError, match="another process is writing to"):
            train(config, tmp_path / "killed", hardware=cpu, resume=resume)
    with pytest.raises(RunFolderError, match="another process is writing to"):
        train_abreast({tmp_path / "other": config, tmp_path / "killed": config}, hardware=cpu, resume=True)
    assert not (tmp_path / "other").exists()
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    resumed = train(config, tmp_path / "killed", hardware=cpu, resume=True)
    assert _equal(load_network(resumed.last), load_network(uninterrupted.last))
    assert _equal(load_network(resumed.best), load_network(uninterrupted.best))
    assert resumed.curves.read_text() == uninterrupted.curves.read_text()


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": OptimizerConfig(name="sgd", lr=0.1, schedule="exponential", lr_final=1e-3, weight_decay=1e-4)},
        {"network_args": {"num_layers": 3, "num_features": 8, "batch_norm": True}},
        {"loss": "mdf:bank.safetensors@paper/1"},
    ],
    ids=["sgd", "batch_norm", "scales_drawn"],
)
def test_a_run_that_broke_off_resumes_exactly(
    config: TrainConfig,
    cpu: Hardware,
    tmp_path: Path,
    changes: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tiny_bank: DiscriminatorBank,
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_bank.save("bank.safetensors")
    config = dataclasses.replace(config, **changes)
    whole = train(config, tmp_path / "whole", hardware=cpu)
    at_step = 4 * 19

    def break_off(self: PatchDataset, index: int) -> Any:
        if index >= at_step:
            raise OSError("the disk is gone")
        return getitem(self, index)

    getitem = PatchDataset.__getitem__
    monkeypatch.setattr(PatchDataset, "__getitem__", break_off)
    with pytest.raises(OSError, match="the disk is gone"):
        train(config, tmp_path / "broken", hardware=cpu)
    monkeypatch.setattr(PatchDataset, "__getitem__", getitem)
    resumed = train(config, tmp_path / "broken", hardware=cpu, resume=True)
    assert _equal(load_network(resumed.last), load_network(whole.last))
    assert resumed.curves.read_text() == whole.curves.read_text()


def test_a_finished_run_resumes_to_itself(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    first = train(config, tmp_path / "run", hardware=cpu)
    before = first.last.read_bytes()
    assert train(config, tmp_path / "run", hardware=cpu, resume=True) == first
    assert first.last.read_bytes() == before


def test_best_by_loss(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    result = train(dataclasses.replace(config, select="loss"), tmp_path / "run", hardware=cpu)
    assert result.best_score == min(float(row["val_loss"]) for row in _rows(result.curves))


def test_the_mdf_loss_trains_and_stays_out_of_the_checkpoint(
    config: TrainConfig, cpu: Hardware, tmp_path: Path, tiny_bank: DiscriminatorBank
) -> None:
    bank = tmp_path / "bank.safetensors"
    tiny_bank.save(bank)
    result = train(dataclasses.replace(config, loss=f"l1+0.1*mdf:{bank}"), tmp_path / "run", hardware=cpu)
    state = torch.load(result.folder / "last.ckpt", weights_only=True)
    assert set(state["modules"]) == {"network"}
    assert all(name.startswith("model.") for name in state["modules"]["network"])
    assert len(state["optimizers"][0]["state"]) == len(state["modules"]["network"])


def test_bfloat16_trains_float32_weights(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    result = train(dataclasses.replace(config, precision="bfloat16"), tmp_path / "run", hardware=cpu)
    assert next(load_network(result.last).parameters()).dtype == torch.float32
    exact = train(config, tmp_path / "exact", hardware=cpu)
    assert result.val_psnr == pytest.approx(exact.val_psnr, abs=0.5)
    assert not _equal(load_network(result.last), load_network(exact.last))


def test_divergence_stops_and_keeps_the_last_good_state(
    config: TrainConfig, cpu: Hardware, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lr_at(self: OptimizerConfig, step: int, steps: int) -> float:
        return 1e-3 if step < 10 else 1e30

    monkeypatch.setattr(OptimizerConfig, "lr_at", lr_at)
    with pytest.raises(ValueError, match=r"is no longer finite at step 1\d; the state of step 8 is kept"):
        train(config, tmp_path / "run", hardware=cpu)
    last = load_network(tmp_path / "run" / "last.safetensors")
    assert all(torch.isfinite(p).all() for p in last.parameters())
    assert read_card(tmp_path / "run" / "last.safetensors").step == 8


def test_clipping_bounds_what_a_step_changes(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    sgd = OptimizerConfig(name="sgd", lr=1.0, schedule="constant", clip_norm=1e-4)
    config = dataclasses.replace(config, optimizer=sgd, steps=1, val_every=1)
    result = train(config, tmp_path / "run", hardware=cpu)
    fresh = build_network(config.network, **config.network_args)
    fresh.initialise(torch.Generator().manual_seed(0))
    after = load_network(result.last).parameters()
    moved = torch.stack([(a - b).square().sum() for a, b in zip(after, fresh.parameters(), strict=True)])
    # Nesterov momentum makes the first step 1.9 times the gradient.
    assert moved.sum().sqrt().item() == pytest.approx(1.9e-4, rel=1e-2)
    assert float(_rows(result.curves)[0]["gradient_norm"]) > 1e-3
