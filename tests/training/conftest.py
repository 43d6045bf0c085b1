"""A training run small enough for a second."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mdfloss.images import write_image
from mdfloss.training import DataConfig, Hardware, TrainConfig


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    generator = torch.Generator().manual_seed(0)
    for folder, count in (("train", 3), ("val", 2)):
        for number in range(count):
            coarse = torch.rand(1, 3, 5, 6, generator=generator)
            picture = torch.nn.functional.interpolate(coarse, (40, 48), mode="bilinear")
            write_image(tmp_path / folder / f"{number}.png", picture)
    data = DataConfig(train_dir=str(tmp_path / "train"), val_dir=str(tmp_path / "val"), patch_size=16, val_size=48)
    network = {"num_layers": 3, "num_features": 8}
    return TrainConfig(data, network_args=network, steps=24, batch_size=4, val_every=8)


@pytest.fixture
def cpu() -> Hardware:
    return Hardware(accelerator="cpu")
