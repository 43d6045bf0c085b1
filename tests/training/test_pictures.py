from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mdfloss.distortions import GaussianNoise
from mdfloss.images import ImageFileError, read_image, write_image
from mdfloss.training import Hardware, TrainConfig, train
from mdfloss.training.pictures import prepare_data


def test_patches_larger_than_every_picture_are_an_error(config: TrainConfig, tmp_path: Path) -> None:
    data = dataclasses.replace(config.data, patch_size=48)
    with pytest.raises(ImageFileError, match="smaller than the 48 px asked for"):
        prepare_data(data, GaussianNoise(), channels=3, seed=0)


def test_validation_needs_no_patch_size(config: TrainConfig) -> None:
    data = prepare_data(config.data, GaussianNoise(), channels=3, seed=0)
    assert [tuple(pair.clean.shape) for pair in data.validation] == [(1, 3, 24, 48)] * 2


def test_pairs_need_no_distortion(config: TrainConfig, cpu: Hardware, tmp_path: Path) -> None:
    for part in ("train", "val"):
        for file in (tmp_path / part).iterdir():
            write_image(tmp_path / f"{part} distorted" / file.name, 0.9 * read_image(file))
    distorted = {f"{part}_distorted_dir": str(tmp_path / f"{part} distorted") for part in ("train", "val")}
    pairs = dataclasses.replace(config.data, **distorted)
    result = train(dataclasses.replace(config, data=pairs, distortion={}), tmp_path / "run", hardware=cpu)
    assert 20 < result.val_psnr < 60
    with pytest.raises(ValueError, match="either a distortion or folders of distorted pictures"):
        train(dataclasses.replace(config, data=pairs), tmp_path / "both", hardware=cpu)
    with pytest.raises(ValueError, match="for training and validation, or for neither"):
        dataclasses.replace(config.data, train_distorted_dir="x")
