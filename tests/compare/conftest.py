"""A grid that trains in seconds: tiny pictures, a tiny network, two steps."""

from pathlib import Path

import pytest
import torch

from mdfloss.compare import Grid, GridLoss, GridTask
from mdfloss.compare.grid import GridNetwork, Training
from mdfloss.images import write_image


@pytest.fixture
def grid(tmp_path: Path) -> Grid:
    generator = torch.Generator().manual_seed(0)
    for part in ("train", "val", "test"):
        for index in range(3):
            write_image(tmp_path / part / f"{index}.png", torch.rand(1, 3, 40, 44, generator=generator))
    noise = {"class_path": "GaussianNoise", "init_args": {"sigma": 25}}
    return Grid(
        tasks={"denoise": GridTask(noise, crop_border=2)},
        losses={"L1": GridLoss("l1"), "Sum": GridLoss("mse+{weight}*l1", weights=(0.1, 10.0))},
        training=Training(
            str(tmp_path / "train"), str(tmp_path / "val"), steps=2, batch_size=2, patch_size=16, accelerator="cpu"
        ),
        test_dir=str(tmp_path / "test"),
        networks={"tiny": GridNetwork("DnCNN", {"num_layers": 3, "num_features": 4})},
    )
