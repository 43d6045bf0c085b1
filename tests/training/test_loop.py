from __future__ import annotations

import dataclasses
import logging
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from mdfloss.training import Hardware, TrainConfig, train


def test_bad_pictures_are_left_out_and_listed(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    (tmp_path / "train" / "text.png").write_text("not a picture")
    result = train(config, tmp_path / "run", hardware=cpu)
    assert result.skipped == 1
    assert "text.png is not an image" in (result.folder / "skipped.txt").read_text()


def test_a_network_of_another_factor_is_told_before_the_folder_is_used(
    config: TrainConfig, cpu: Hardware, tmp_path: Path
) -> None:
    arguments = {"num_features": 4, "num_blocks": 1, "upscale": 2}
    with pytest.raises(ValueError, match="the network enlarges by 2, and the distortion makes"):
        train(dataclasses.replace(config, network="EDSR", network_args=arguments), tmp_path / "run", hardware=cpu)
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_told_without_its_pictures(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    (tmp_path / "train" / "text.png").write_text("not a picture")
    first = train(config, tmp_path / "run", hardware=cpu)
    shutil.rmtree(tmp_path / "train")
    assert train(config, tmp_path / "run", hardware=cpu, resume=True) == first
    with pytest.raises(FileNotFoundError):
        train(config, tmp_path / "other", hardware=cpu, resume=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_an_accelerator_that_is_not_there(config: TrainConfig, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="accelerator"):
        train(config, tmp_path / "run", hardware=Hardware(accelerator="gpu"))


def test_the_process_is_left_as_it_was(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    level, filters = logging.getLogger("lightning.pytorch").level, list(warnings.filters)
    train(config, tmp_path / "run", hardware=cpu)
    assert logging.getLogger("lightning.pytorch").level == level
    assert warnings.filters == filters


@pytest.mark.slow
def test_two_processes_train_what_one_does(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    config = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, name="sgd", lr=0.1))
    one = train(config, tmp_path / "one", hardware=cpu)
    script = tmp_path / "two.py"
    script.write_text(f"""
import sys
from mdfloss.training import DataConfig, Hardware, OptimizerConfig, TrainConfig, train
train({config!r}, sys.argv[1], hardware=Hardware(accelerator="cpu", devices=2))
""")
    command = [sys.executable, str(script), str(tmp_path / "two")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=280)
    curves = [(path / "curves.csv").read_text().splitlines() for path in (one.folder, tmp_path / "two")]
    assert curves[0][0] == curves[1][0]
    for first, second in zip(curves[0][1:], curves[1][1:], strict=True):
        values = [[float(value) for value in row.split(",")] for row in (first, second)]
        # The halves of a batch are added up in another order.
        assert values[0] == pytest.approx(values[1], rel=1e-4)


def test_curves_reach_tensorboard(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(config, tmp_path / "run", hardware=cpu)
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("val_psnr")] == [8, 16, 24]
