from __future__ import annotations

import dataclasses
import logging
import warnings
from pathlib import Path

import pytest

from mdfloss.distortions import GaussianNoise
from mdfloss.images import ImageFileError
from mdfloss.training import Hardware, TrainConfig, train
from mdfloss.training.loop import prepare_data


def test_bad_pictures_are_left_out_and_listed(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    (tmp_path / "train" / "text.png").write_text("not a picture")
    result = train(config, tmp_path / "run", hardware=cpu)
    assert result.skipped == 1
    assert "text.png is not an image" in (result.folder / "skipped.txt").read_text()


def test_patches_larger_than_every_picture_are_an_error(config: TrainConfig, tmp_path: Path) -> None:
    data = dataclasses.replace(config.data, patch_size=48)
    with pytest.raises(ImageFileError, match="smaller than the 48 px asked for"):
        prepare_data(data, GaussianNoise(), channels=3, seed=0)


def test_validation_needs_no_patch_size(config: TrainConfig) -> None:
    data = prepare_data(config.data, GaussianNoise(), channels=3, seed=0)
    assert [tuple(pair.clean.shape) for pair in data.validation] == [(1, 3, 24, 48)] * 2


def test_the_process_is_left_as_it_was(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    level, filters = logging.getLogger("lightning.pytorch").level, list(warnings.filters)
    train(config, tmp_path / "run", hardware=cpu)
    assert logging.getLogger("lightning.pytorch").level == level
    assert warnings.filters == filters


def test_curves_reach_tensorboard(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(config, tmp_path / "run", hardware=cpu)
    events = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("val_psnr")] == [8, 16, 24]
