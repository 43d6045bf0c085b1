from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from mdfloss.bank import DiscriminatorBank
from mdfloss.losses import LOSSES, build_loss

NAMES = sorted(LOSSES)


@pytest.fixture
def build(request: pytest.FixtureRequest, tmp_path: Path, tiny_bank: DiscriminatorBank) -> Callable[[str], nn.Module]:
    """A loss by name, with files of random weights for those that need one."""

    def built(name: str) -> nn.Module:
        if name == "mdf":
            tiny_bank.save(tmp_path / "bank.safetensors", force=True)
            return build_loss(f"mdf:{tmp_path / 'bank.safetensors'}")
        files = {"vgg": "vgg_file", "lpips": "alexnet_file"}
        return build_loss(f"{name}:{request.getfixturevalue(files[name])}" if name in files else name)

    return built


@pytest.fixture
def images(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    target = torch.rand(2, 3, 49, 43, generator=generator)
    return target + 0.1 * torch.randn(target.shape, generator=generator), target


@pytest.mark.filterwarnings("ignore:MS-SSIM of")
@pytest.mark.parametrize("name", NAMES)
def test_menu_of_every_loss(name: str, build: Callable[[str], nn.Module], images: tuple[Tensor, Tensor]) -> None:
    loss, (pred, target) = build(name), images
    assert abs(loss(target, target).item()) < 1e-6
    assert loss(pred, target) > 0
    assert not loss.training
    assert not any(p.requires_grad for p in loss.parameters())
    parent = nn.ModuleList([loss])
    parent.train()
    leaf = pred.clone().requires_grad_()
    value = loss(leaf, target)
    value.backward()
    assert torch.isfinite(leaf.grad).all()
    assert leaf.grad.abs().max() > 0
    # The batch is a mean, and a gray image counts like one of three equal channels.
    singles = [loss(p[None], t[None]) for p, t in zip(pred, target, strict=True)]
    assert torch.allclose(value, torch.stack(singles).mean(), rtol=1e-4)
    gray = loss(pred[:, :1], target[:, :1])
    assert torch.allclose(gray, loss(pred[:, :1].repeat(1, 3, 1, 1), target[:, :1].repeat(1, 3, 1, 1)), rtol=1e-4)
    with pytest.raises(ValueError, match=r"target must be within \[0, 1\]"):
        loss(pred, 255 * target)
    with pytest.raises(ValueError, match=r"target must be within \[0, 1\]"):
        loss(2 * pred - 1, 2 * target - 1)
    with pytest.raises(ValueError, match="must have one shape"):
        loss(pred[..., :-1], target)


@pytest.mark.filterwarnings("ignore:MS-SSIM of")
@pytest.mark.parametrize("name", NAMES)
def test_anti_correlated_images_stay_finite(
    name: str, build: Callable[[str], nn.Module], images: tuple[Tensor, Tensor]
) -> None:
    target = images[1]
    pred = (1 - target).requires_grad_()
    value = build(name)(pred, target)
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(pred.grad).all()


@pytest.mark.filterwarnings("ignore:MS-SSIM of")
@pytest.mark.parametrize("name", NAMES)
def test_every_loss_trains_a_step_under_bfloat16_autocast(
    name: str, build: Callable[[str], nn.Module], images: tuple[Tensor, Tensor]
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Conv2d(3, 3, 3, padding=1)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)
    loss = build(name)
    with torch.autocast("cpu", torch.bfloat16):
        value = loss(network(images[0]), images[1])
    assert value.dtype == torch.float32
    value.backward()
    optimizer.step()
    assert all(torch.isfinite(p).all() for p in network.parameters())
