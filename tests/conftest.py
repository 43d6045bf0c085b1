"""Fixtures that every room shares: generators, odd-sized pairs, a tiny bank, and the real image sets where they are.

Networks in torchvision's layout have random weights, so that nothing is downloaded.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from mdfloss.bank import BankCard, Discriminator, DiscriminatorBank

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--run-slow", action="store_true", help="run the tests marked slow too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skip_slow = pytest.mark.skip(reason="slow: run with --run-slow")
    skip_gpu = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if "slow" in item.keywords and not config.getoption("--run-slow"):
            item.add_marker(skip_slow)
        if "gpu" in item.keywords and not torch.cuda.is_available():
            item.add_marker(skip_gpu)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of image sets, official weights and golden values; the test is skipped where there is none."""
    folder = Path(os.environ.get("MDFLOSS_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no image sets at {folder}: set MDFLOSS_DATA")
    return folder


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture
def pair(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A prediction and its target, 2×3×37×31: odd sizes catch swapped axes."""
    target = torch.rand(2, 3, 37, 31, generator=generator)
    pred = target + 0.1 * torch.randn(target.shape, generator=generator)
    return pred, target


@pytest.fixture
def tiny_bank() -> DiscriminatorBank:
    """Two scales of eight channels with random weights and statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        card = BankCard(task="test", widths=(8, 8), rho=1.5)
        bank = DiscriminatorBank([Discriminator(8), Discriminator(8)], card)
        for name, value in bank.named_buffers():
            if name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif name.endswith("running_mean"):
                value.normal_()
    return bank.eval()


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
