"""Seed images: scikit-image's public-domain photographs, and the synthetic images of the paper's Fig. 7."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from .images import read_image
from .sizes import size_text

__all__ = [
    "PHOTOGRAPHS",
    "SYNTHETIC",
    "contrast_rings",
    "load_seed",
    "photograph",
    "pink_noise",
    "pyramid_permutation",
]

PHOTOGRAPHS: dict[str, str] = {
    "astronaut": "astronaut.png",
    "brick": "brick.png",
    "camera": "camera.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "coins": "coins.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
    "hubble": "hubble_deep_field.jpg",
    "moon": "moon.png",
    "motorcycle": "motorcycle_left.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
    "tissue": "ihc.png",
}
"""Name → file of the photographs that scikit-image ships, in the public domain or without known restrictions; the
motorcycle is of the Middlebury 2014 stereo benchmark."""

SYNTHETIC = ("pink-noise", "contrast-rings", "pyramid-permutation")
"""Names of the synthetic seed images."""

_SYNTHETIC_SIZE = (512, 512)


def load_seed(
    seed: str | os.PathLike[str], *, channels: Literal[1, 3] = 3, generator: torch.Generator | None = None
) -> Tensor:
    """Load a seed image by path or by name.

    Args:
        seed: A file; a name of `PHOTOGRAPHS`; "pink-noise" or "contrast-rings" (512×512 px); "pyramid-permutation"
            (of the astronaut) or "pyramid-permutation:NAME" of another photograph or file.
        channels: 3 or 1.
        generator: Source of randomness of the synthetic images; one seeded with 0 by default.

    Returns:
        (1, channels, H, W) float32 in [0, 1].

    Raises:
        FileNotFoundError: Neither a file nor a known name.
        ImageFileError: The file cannot be read.
    """
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    kind, _, of = str(seed).partition(":")
    if kind == "pink-noise":
        return pink_noise(_SYNTHETIC_SIZE, channels=channels, generator=generator)
    if kind == "contrast-rings":
        return contrast_rings(_SYNTHETIC_SIZE, channels=channels)
    if kind == "pyramid-permutation":
        return pyramid_permutation(load_seed(of or "astronaut", channels=channels), generator=generator)
    if str(seed) in PHOTOGRAPHS:
        return photograph(str(seed), channels=channels)
    if not Path(seed).exists():
        names = ", ".join((*PHOTOGRAPHS, *SYNTHETIC))
        raise FileNotFoundError(f"{seed}: no such file, and no seed of that name; there are {names}")
    return read_image(seed, channels=channels)


def photograph(name: str, *, channels: Literal[1, 3] | None = 3) -> Tensor:
    """Read a photograph that scikit-image ships; nothing is downloaded.

    Args:
        name: A key of `PHOTOGRAPHS`.
        channels: As for `read_image`.

    Returns:
        (1, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: No photograph has that name.
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(f"name must be one of {', '.join(PHOTOGRAPHS)}, got {name!r}")
    import skimage.data

    return read_image(Path(skimage.data.__file__).parent / PHOTOGRAPHS[name], channels=channels)


def pink_noise(
    size: tuple[int, int], *, generator: torch.Generator, channels: int = 3, saturation: float = 0.2
) -> Tensor:
    """Noise with the 1/f² power spectrum of natural images (paper section 5, "Pink Noise").

    Mean 0.5 and standard deviation 0.18 before clipping to [0, 1].

    Args:
        size: Height and width, px.
        generator: Source of randomness.
        channels: Channels C.
        saturation: Part of the amplitude that each channel has for itself, 0 (gray) to 1; photographs have little.

    Returns:
        (1, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: `size` is below 2 px or `saturation` is outside [0, 1].
    """
    if min(size) < 2:
        raise ValueError(f"size must be at least 2 px a side, got {size}")
    if not 0 <= saturation <= 1:
        raise ValueError(f"saturation must be within 0 to 1, got {saturation}")
    white = torch.randn(channels + 1, *size, generator=generator, device=generator.device)
    white = (1 - saturation**2) ** 0.5 * white[:1] + saturation * white[1:]
    rows = torch.fft.fftfreq(size[0], device=generator.device)[:, None]
    columns = torch.fft.rfftfreq(size[1], device=generator.device)[None, :]
    frequency = torch.hypot(rows, columns)
    frequency[0, 0] = torch.inf
    pink = torch.fft.irfft2(torch.fft.rfft2(white) / frequency, s=size)
    image: Tensor = (0.5 + 0.18 * pink / pink.std()).clamp(0, 1)[None]
    return image


def contrast_rings(size: tuple[int, int], *, channels: int = 3, num_rings: int = 24) -> Tensor:
    """Concentric rings whose contrast falls to zero at the centre (paper section 5, "Contrast Rings").

    They hold edges of every orientation and contrast. Profile and fall are ours, the paper gives none: black and
    white bands of equal width, edges one pixel soft, contrast proportional to the distance from the centre.

    Args:
        size: Height and width, px.
        channels: Channels C; all are equal.
        num_rings: Pairs of bands from the centre to the corner.

    Returns:
        (1, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: `num_rings` is below 1, or its bands are thinner than a pixel.
    """
    y, x = (torch.arange(side) - (side - 1) / 2 for side in size)
    distance = torch.hypot(y[:, None], x[None, :])
    reach = float(distance.max())
    width = reach / (2 * max(num_rings, 1))
    if num_rings < 1 or width < 1:
        raise ValueError(f"num_rings must be within 1 to {int(reach / 2)} for {size_text(size)}, got {num_rings}")
    phase = (distance / (2 * width)) % 1
    to_edge = width * (0.5 - (2 * phase - 1).abs()) * 2
    band = to_edge.clamp(-0.5, 0.5)
    return (0.5 + distance / reach * band).expand(1, channels, *size).clone()


def pyramid_permutation(image: Tensor, *, generator: torch.Generator, num_levels: int | None = None) -> Tensor:
    """Shuffle the pixels of each level of a Laplacian pyramid (paper section 5, "Pyramid Permutation").

    The spectrum stays, octave by octave; what is natural about the image goes. The pyramid is bicubic.

    Args:
        image: (N, C, H, W) float in [0, 1]; the channels of a pixel stay together.
        generator: Source of randomness; each image and level has a permutation of its own.
        num_levels: Levels of the pyramid with its low-pass rest; as many as keep 4 px a side by default.

    Returns:
        (N, C, H, W) in [0, 1]: the sum of the shuffled levels, clipped.

    Raises:
        ValueError: `image` is not 4-D, or has too few pixels for `num_levels`.
    """
    if image.ndim != 4:
        raise ValueError(f"image must be N×C×H×W, got shape {tuple(image.shape)}")
    most = max(1, (min(image.shape[2:]) // 4).bit_length())
    count = most if num_levels is None else num_levels
    if not 1 <= count <= most:
        raise ValueError(f"num_levels must be within 1 to {most} for shape {tuple(image.shape)}, got {num_levels}")
    levels: list[Tensor] = []
    for _ in range(count - 1):
        smaller = functional.interpolate(
            image, size=[(side + 1) // 2 for side in image.shape[2:]], mode="bicubic", antialias=True
        )
        levels.append(image - _enlarge(smaller, image))
        image = smaller
    result = _shuffle(image, generator)
    for level in reversed(levels):
        result = _enlarge(result, level) + _shuffle(level, generator)
    return result.clamp(0, 1)


def _enlarge(image: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(image, size=like.shape[2:], mode="bicubic", align_corners=False)


def _shuffle(image: Tensor, generator: torch.Generator) -> Tensor:
    """Permute the pixels of each image of (N, C, H, W)."""
    keys = torch.rand(len(image), 1, image[0, 0].numel(), generator=generator, device=generator.device)
    order = keys.argsort(-1).to(image.device)
    return image.flatten(2).gather(2, order.expand(-1, image.shape[1], -1)).view(image.shape)
