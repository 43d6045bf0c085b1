"""Blurs against scipy's filter and against their own kernels."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from mdfloss.distortions import DefocusBlur, Distortion, GaussianBlur, MotionBlur

ALL = [GaussianBlur(), DefocusBlur(), MotionBlur()]


def _point(size: int = 41) -> Tensor:
    image = torch.zeros(1, 1, size, size)
    image[..., size // 2, size // 2] = 1
    return image


def test_gaussian_equals_scipy(generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 37, 31, generator=generator)
    blurred = GaussianBlur(1.7)(image, generator)
    expected = ndimage.gaussian_filter(image.numpy(), 1.7, axes=(2, 3), mode="mirror", radius=6)
    np.testing.assert_allclose(blurred.numpy(), expected, atol=1e-5)


def test_motion_is_a_segment_in_its_direction(generator: torch.Generator) -> None:
    flat = MotionBlur(9, 0)(_point(), generator)[0, 0]
    torch.testing.assert_close(flat[20, 16:25], torch.full((9,), 1 / 9))
    assert flat[20].sum().item() == pytest.approx(1, abs=1e-6)
    upright = MotionBlur(9, 90)(_point(), generator)[0, 0]
    torch.testing.assert_close(upright, flat.T, atol=1e-6, rtol=0)
    rising = MotionBlur(9, 45)(_point(), generator)[0, 0]
    assert rising[18, 22] > 0.05
    assert rising[22, 22] == 0
    assert torch.equal(MotionBlur(1, 30)(_point(), generator), _point())


def test_defocus_is_a_disk(generator: torch.Generator) -> None:
    disk = DefocusBlur(5)(_point(), generator)[0, 0]
    y, x = torch.meshgrid(torch.arange(41) - 20, torch.arange(41) - 20, indexing="ij")
    inside = torch.hypot(x.float(), y.float()) <= 4.5
    assert disk[inside].std() < 1e-6
    assert (disk[torch.hypot(x.float(), y.float()) > 5.5] == 0).all()
    assert torch.equal(DefocusBlur(0)(_point(), generator), _point())


@pytest.mark.parametrize("distortion", ALL, ids=lambda d: type(d).__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_has_its_own_kernel_and_light_is_kept(distortion: Distortion, channels: int) -> None:
    image = _point().repeat(3, channels, 1, 1)
    blurred = distortion(image, torch.Generator().manual_seed(0))
    assert torch.equal(blurred, distortion(image, torch.Generator().manual_seed(0)))
    assert not torch.allclose(blurred[0], blurred[1])
    torch.testing.assert_close(blurred.sum((2, 3)), torch.ones(3, channels))
    assert torch.equal(blurred[:, 0], blurred[:, -1])
    assert pickle.loads(pickle.dumps(distortion)) == distortion


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianBlur(0), "sigma must be at least 0.01 px, got 0"),
        (lambda: DefocusBlur(-1), "radius must be at least 0 px, got -1"),
        (lambda: MotionBlur(0.5), "length must be at least 1 px, got 0.5"),
        (lambda: MotionBlur(5, 400), "angle must be within -360 to 360 degrees, got 400"),
    ],
)
def test_impossible_strengths(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


def test_small_images_name_the_reach(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="image is 8×20 px and the blur reaches 9 px: use larger patches or a weaker"):
        GaussianBlur(3)(torch.rand(1, 3, 8, 20), generator)
