"""The resizer against Pillow's on float images, and the distortion of super-resolution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from mdfloss.distortions import Downscale, resize
from mdfloss.distortions.resample import Kernel
from mdfloss.seeds import photograph

PILLOW = {"bicubic": Image.Resampling.BICUBIC, "lanczos": Image.Resampling.LANCZOS}


@pytest.mark.parametrize("kernel", ["bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(75, 54), (100, 217), (400, 331), (301, 30), (3, 2), (1000, 1), (301, 217)])
def test_equals_pillow(generator: torch.Generator, kernel: Kernel, size: tuple[int, int]) -> None:
    image = torch.rand(2, 3, 301, 217, generator=generator)
    resized = resize(image, size, kernel=kernel)
    expected = Image.fromarray(image[1, 2].numpy()).resize(size[::-1], PILLOW[kernel])
    assert resized.shape == (2, 3, *size)
    np.testing.assert_allclose(resized[1, 2].numpy(), np.asarray(expected), atol=1e-5)


def test_constant_stays_constant_and_double_is_kept() -> None:
    image = torch.full((1, 1, 37, 31), 0.3, dtype=torch.float64)
    resized = resize(image, (11, 90))
    assert resized.dtype == torch.float64
    torch.testing.assert_close(resized, torch.full_like(resized, 0.3), atol=1e-6, rtol=0)


def test_is_linear_and_differentiable(generator: torch.Generator) -> None:
    image = torch.rand(1, 1, 6, 7, generator=generator, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: resize(x, (4, 9)), image)


def test_wrong_input_is_named() -> None:
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match=r"kernel must be one of \('bicubic', 'lanczos'\), got 'area'"):
        resize(image, (4, 4), kernel="area")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"image must be N×C×H×W, got shape \(3, 8, 8\)"):
        resize(image[0], (4, 4))
    with pytest.raises(ValueError, match=r"sizes must be at least 1 px, got \(8, 8\) to \(0, 4\)"):
        resize(image, (0, 4))
    with pytest.raises(TypeError, match=r"image must be floating point, got torch\.uint8"):
        resize(image.byte(), (4, 4))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_downscale_equals_pillow(generator: torch.Generator, factor: int) -> None:
    image = photograph("astronaut")[:, :, :360, :480]
    small = Downscale(factor)(image, generator)
    size = (480 // factor, 360 // factor)
    for channel in range(3):
        expected = np.asarray(Image.fromarray(image[0, channel].numpy()).resize(size, Image.Resampling.BICUBIC))
        np.testing.assert_allclose(small[0, channel].numpy(), expected.clip(0, 1), atol=1e-5)
    # On 8-bit images Pillow rounds and clips between its two passes too: only the mean stays within rounding.
    levels = Image.fromarray((255 * image[0]).round().byte().permute(1, 2, 0).numpy())
    rounded = np.asarray(levels.resize(size, Image.Resampling.BICUBIC), np.float32)
    assert np.abs(255 * small[0].permute(1, 2, 0).numpy() - rounded).mean() < 0.5
    assert small.min() >= 0
    assert small.max() <= 1


def test_downscale_takes_nothing_from_the_generator(generator: torch.Generator) -> None:
    before = generator.get_state()
    Downscale(2)(torch.rand(1, 1, 8, 8), generator)
    assert torch.equal(generator.get_state(), before)


def test_downscale_names_the_mend(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="image is 49×50 px, no multiple of the factor 4: crop it to 48×48"):
        Downscale(4)(torch.rand(1, 3, 49, 50), generator)
    with pytest.raises(ValueError, match="factor must be at least 1, got 0"):
        Downscale(0)
    with pytest.raises(TypeError, match=r"factor must be a whole number, got 2\.0"):
        Downscale(2.0)  # type: ignore[arg-type]
