from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from mdfloss.images import read_image
from mdfloss.losses import MSSSIML1Loss, MSSSIMLoss, SSIMLoss


@pytest.fixture
def large(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    coarse = torch.rand(2, 3, 24, 23, generator=generator)
    target = torch.nn.functional.interpolate(coarse, (192, 180), mode="bilinear")
    return (target + 0.05 * torch.randn(target.shape, generator=generator)).clamp(0, 1), target


def test_ssim_is_torchmetrics(large: tuple[Tensor, Tensor]) -> None:
    theirs = structural_similarity_index_measure(*large, data_range=1.0)
    assert SSIMLoss()(*large).item() == pytest.approx(1 - theirs.item(), abs=1e-6)


def test_ms_ssim_is_torchmetrics(large: tuple[Tensor, Tensor]) -> None:
    theirs = multiscale_structural_similarity_index_measure(*large, data_range=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = MSSSIMLoss()(*large)
    assert ours.item() == pytest.approx(1 - theirs.item(), abs=1e-5)


@pytest.mark.data
def test_ms_ssim_is_piqs_on_a_real_picture(data_dir: Path, generator: torch.Generator) -> None:
    piq = pytest.importorskip("piq")
    target = read_image(data_dir / "set5" / "butterfly_GT.png")
    pred = (target + 0.1 * torch.randn(target.shape, generator=generator)).clamp(0, 1)
    theirs = piq.multi_scale_ssim(pred, target, data_range=1.0)
    assert MSSSIMLoss()(pred, target).item() == pytest.approx(1 - theirs.item(), abs=2e-3)


@pytest.mark.parametrize("side, scales", [(11, 1), (21, 2), (40, 2), (41, 3), (81, 4), (96, 4), (160, 4), (161, 5)])
@pytest.mark.filterwarnings("ignore:MS-SSIM of")
def test_as_many_scales_as_fit(side: int, scales: int) -> None:
    weights = MSSSIMLoss().scale_weights(side)
    assert len(weights) == scales
    assert sum(weights) == pytest.approx(1.0, abs=1e-3)


def test_fewer_scales_are_said_once() -> None:
    loss = MSSSIMLoss()
    image = torch.rand(1, 3, 96, 96)
    with pytest.warns(UserWarning, match="MS-SSIM of 96 px images has 4 scales, not 5: those would need 161 px"):
        loss(image, image)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(image, image)


def test_windows_that_do_not_fit_are_refused() -> None:
    for loss, size in ((SSIMLoss(), 11), (MSSSIMLoss(), 11), (MSSSIML1Loss(), 17)):
        image = torch.zeros(1, 3, size - 1, 40)
        with pytest.raises(ValueError, match=f"images must be at least {size} px"):
            loss(image, image)


def test_the_mix_is_that_of_zhao(large: tuple[Tensor, Tensor]) -> None:
    pred, target = large
    mixed, structure = MSSSIML1Loss()(pred, target), MSSSIMLoss()(pred, target)
    assert MSSSIML1Loss(alpha=1.0)(pred, target).item() == pytest.approx(structure.item(), abs=1e-6)
    smooth = MSSSIML1Loss(alpha=0.0)(pred, target)
    assert mixed.item() == pytest.approx((0.84 * structure + 0.16 * smooth).item(), abs=1e-6)
    # A single wrong pixel is spread by a Gaussian of 8 px: its neighbours share it, the sum stays.
    dot = torch.zeros(1, 1, 99, 99)
    dot[0, 0, 49, 49] = 1
    spread = MSSSIML1Loss()._smooth(dot)
    assert spread.sum().item() == pytest.approx(1.0, abs=1e-4)
    assert (spread[0, 0, 49, 57] / spread[0, 0, 49, 49]).item() == pytest.approx(2.718281828**-0.5, rel=1e-4)
    with pytest.raises(ValueError, match=r"alpha must be within \[0, 1\], got 2"):
        MSSSIML1Loss(alpha=2)


@pytest.mark.parametrize("side", [176, 96])
@pytest.mark.parametrize("kind", [SSIMLoss, MSSSIMLoss, MSSSIML1Loss])
@pytest.mark.filterwarnings("ignore:MS-SSIM of")
def test_the_worst_pairs_stay_finite(kind: type[SSIMLoss], side: int, generator: torch.Generator) -> None:
    noise = torch.rand(1, 3, side, side, generator=generator)
    squares = (torch.arange(side)[:, None] + torch.arange(side)).remainder(2).expand(1, 3, -1, -1).float()
    flat = torch.full_like(noise, 0.5)
    for pred, target in ((1 - noise, noise), (1 - squares, squares), (flat, flat), (0 * flat, 0 * flat + 1)):
        leaf = pred.clone().requires_grad_()
        value = kind()(leaf, target)
        value.backward()
        assert torch.isfinite(value)
        assert torch.isfinite(leaf.grad).all()
