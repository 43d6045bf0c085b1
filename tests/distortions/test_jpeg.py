"""JPEG against Pillow's at the same quality."""

from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mdfloss.distortions import Jpeg
from mdfloss.seeds import photograph


def _by_pillow(image: Tensor, quality: int) -> Tensor:
    levels = image.clamp(0, 1).mul(255).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(levels.squeeze(-1) if levels.shape[2] == 1 else levels).save(buffer, "JPEG", quality=quality)
    decoded = np.asarray(Image.open(buffer), np.float32) / 255
    return torch.from_numpy(decoded.reshape(*decoded.shape[:2], -1)).permute(2, 0, 1)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("quality", [7, 10, 50, 95])
def test_equals_pillow(generator: torch.Generator, quality: int, channels: int) -> None:
    image = photograph("astronaut")[:, :channels, 101:198, 203:334]
    compressed = Jpeg(quality)(image, generator)
    assert compressed.shape == image.shape
    difference = 255 * (compressed[0] - _by_pillow(image[0], quality)).abs()
    assert difference.max() <= 2
    assert difference.mean() < 0.05


def test_each_image_draws_its_own_quality(generator: torch.Generator) -> None:
    image = photograph("chelsea")[:, :, :48, :48].repeat(64, 1, 1, 1)
    compressed = Jpeg((7, 10))(image, generator)
    kinds = {tuple(one.flatten().tolist()) for one in compressed}
    expected = {tuple(Jpeg(quality)(image[:1], generator).flatten().tolist()) for quality in (7, 8, 9, 10)}
    assert kinds == expected


def test_values_outside_are_clipped_and_on_levels(generator: torch.Generator) -> None:
    image = 3 * torch.rand(2, 3, 16, 24, generator=generator) - 1
    compressed = Jpeg(90)(image, generator)
    assert compressed.min() >= 0
    assert compressed.max() <= 1
    torch.testing.assert_close(compressed * 255, (compressed * 255).round(), atol=1e-4, rtol=0)


def test_equal_generators_give_equal_images_and_pickles_work() -> None:
    image = photograph("chelsea")[:, :, :64, :64].repeat(3, 1, 1, 1)
    distortion = pickle.loads(pickle.dumps(Jpeg([5, 80])))  # type: ignore[arg-type]
    assert distortion == Jpeg((5, 80))
    one, two = (distortion(image, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(one, two)


@pytest.mark.parametrize("quality", [0, 101, (10, 7), (0, 10)])
def test_impossible_qualities(quality: object) -> None:
    with pytest.raises(ValueError, match=r"quality must be (within 1 to 100|\(lowest, highest\))"):
        Jpeg(quality)  # type: ignore[arg-type]


def test_other_types_and_channels(generator: torch.Generator) -> None:
    with pytest.raises(TypeError, match="quality must be a whole number or a pair"):
        Jpeg(7.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"JPEG holds 1 or 3 channels, got image of shape \(1, 4, 8, 8\)"):
        Jpeg(7)(torch.zeros(1, 4, 8, 8), generator)


@pytest.mark.gpu
def test_cuda_equals_cpu(generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(Jpeg(9)(image.cuda(), generator).cpu(), Jpeg(9)(image, generator))
