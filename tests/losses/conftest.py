"""Networks with random weights in torchvision's layout, so that deep losses need no download."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision


@pytest.fixture(scope="session")
def alexnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        features = torchvision.models.AlexNet().features
    torch.save({f"features.{key}": value for key, value in features.state_dict().items()}, path)
    return path


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "vgg19.safetensors"
    with torch.device("meta"):
        shapes = torchvision.models.vgg19().features.state_dict()
    generator = torch.Generator().manual_seed(0)
    state = {}
    for key, value in shapes.items():
        spread = (2 / max(value[0].numel(), 1)) ** 0.5 if value.ndim == 4 else 0.0
        state[f"features.{key}"] = spread * torch.randn(value.shape, generator=generator)
    safetensors.torch.save_file(state, path)
    return path
