"""Small test errors that a loss is probed with: gratings, noise, bands of noise, all of equal energy.

Energy is the mean square over channels and pixels, so a probe of RMS 1 times an amplitude a has the mean squared error
a². Colour directions are orthonormal opponent axes of RGB:

    luma (1, 1, 1)/√3,   red-green (1, -1, 0)/√2,   yellow-blue (1, 1, -2)/√6
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mdfloss.sizes import size_text

__all__ = [
    "COLOURS",
    "axis_noise",
    "band_noise",
    "cut_crops",
    "grating",
    "stratified_noise",
    "to_rms",
    "white_noise",
]

COLOURS: dict[str, tuple[float, float, float]] = {
    "luma": (3**-0.5, 3**-0.5, 3**-0.5),
    "red-green": (2**-0.5, -(2**-0.5), 0.0),
    "yellow-blue": (6**-0.5, 6**-0.5, -2 * 6**-0.5),
}
"""Colour direction → its unit vector in RGB."""


def to_rms(probe: Tensor, rms: float = 1.0) -> Tensor:
    """Scale each image of a batch to a root mean square.

    Args:
        probe: (N, C, H, W); none of the images is zero.
        rms: The root mean square over C, H, W.

    Returns:
        (N, C, H, W).
    """
    own = probe.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return probe * (rms / own)


def _coloured(plane: Tensor, colour: str) -> Tensor:
    """(N, H, W) along a colour direction, (N, 3, H, W)."""
    return plane[:, None] * plane.new_tensor(COLOURS[colour]).view(1, 3, 1, 1)


def grating(size: tuple[int, int], *, frequency: float, orientation: float, colour: str, phases: Tensor) -> Tensor:
    """Sinusoidal gratings along one colour direction.

    Args:
        size: Height and width, px.
        frequency: Cycles per pixel, 0 < frequency ≤ 0.5.
        orientation: Direction of the modulation in degrees: 0 has vertical bars, 90 horizontal ones.
        colour: A name in `COLOURS`.
        phases: (N,) in radians; exactly π/2 and its odd multiples are zero at 0.5 cycles per pixel.

    Returns:
        (N, 3, H, W) of RMS 1.

    Raises:
        ValueError: The frequency is outside its range, or the colour is unknown.
    """
    if not 0 < frequency <= 0.5:
        raise ValueError(f"frequency must be within (0, 0.5] cycles per pixel, got {frequency}")
    if colour not in COLOURS:
        raise ValueError(f"colour must be one of {', '.join(COLOURS)}, got {colour!r}")
    angle = math.radians(orientation)
    y, x = (torch.arange(side, dtype=torch.float64) for side in size)
    along = x[None, :] * math.cos(angle) + y[:, None] * math.sin(angle)
    plane = torch.cos(2 * math.pi * frequency * along + phases.double()[:, None, None])
    return to_rms(_coloured(plane, colour)).float()


def white_noise(shape: Sequence[int], *, generator: torch.Generator) -> Tensor:
    """Gaussian noise, independent in every pixel and channel.

    Args:
        shape: N, C, H, W.
        generator: Source of randomness.

    Returns:
        (N, C, H, W), each image of RMS exactly 1.
    """
    return to_rms(torch.randn(*shape, generator=generator))


def axis_noise(shape: Sequence[int], *, colours: Sequence[str], generator: torch.Generator) -> Tensor:
    """Gaussian noise, white over pixels, within the span of some colour directions.

    Args:
        shape: N, 3, H, W.
        colours: Names in `COLOURS`.
        generator: Source of randomness.

    Returns:
        (N, 3, H, W), each image of RMS exactly 1.
    """
    planes = [_coloured(torch.randn(shape[0], *shape[2:], generator=generator), colour) for colour in colours]
    return to_rms(torch.stack(planes).sum(dim=0))


def band_noise(shape: Sequence[int], *, low: float, high: float, generator: torch.Generator) -> Tensor:
    """Gaussian noise of a band of spatial frequencies, independent in the channels.

    Args:
        shape: N, C, H, W.
        low: Lowest frequency, cycles per pixel.
        high: Highest frequency, cycles per pixel, measured along the modulation; corners reach 0.71.
        generator: Source of randomness.

    Returns:
        (N, C, H, W), each image of RMS exactly 1.

    Raises:
        ValueError: No frequency of an image of this size lies in the band.
    """
    rows = torch.fft.fftfreq(shape[2])[:, None]
    columns = torch.fft.rfftfreq(shape[3])[None, :]
    radius = torch.hypot(rows, columns)
    passed = (radius >= low) & (radius <= high)
    if not passed.any():
        raise ValueError(f"no frequency of {size_text(shape)} lies within {low:g} to {high:g} cycles per pixel")
    spectrum = torch.fft.rfft2(torch.randn(*shape, generator=generator)) * passed
    return to_rms(torch.fft.irfft2(spectrum, s=(shape[2], shape[3])))


def stratified_noise(draws: int, shape: Sequence[int], *, generator: torch.Generator) -> Tensor:
    """Gaussian noise whose draws have, at every place, mean 0 and variance 1 exactly.

    The draws at a place are the quantiles of a Gaussian in random order (a Latin hypercube), so that averages over few
    draws vary less from place to place than those of independent ones.

    Args:
        draws: Number of draws S, at least 2.
        shape: Shape of one draw.
        generator: Source of randomness.

    Returns:
        (S, *shape).

    Raises:
        ValueError: Fewer than two draws.
    """
    if draws < 2:
        raise ValueError(f"draws must be at least 2, got {draws}")
    quantiles = torch.special.ndtri((torch.arange(draws, dtype=torch.float64) + 0.5) / draws)
    quantiles = (quantiles / quantiles.square().mean().sqrt()).float()
    order = torch.rand(draws, *shape, generator=generator).argsort(dim=0)
    noise: Tensor = quantiles[order]
    return noise


def cut_crops(images: Sequence[Tensor], *, count: int, side: int, generator: torch.Generator, tries: int = 1) -> Tensor:
    """Square crops at random places, the same number of each picture as far as possible.

    Args:
        images: Pictures, each (1, 3, H, W) in [0, 1]; where there are more than crops, evenly spaced ones are used.
        count: Number of crops.
        side: Their side, px.
        generator: Source of randomness.
        tries: Places drawn for each crop; the one with the most contrast is taken.

    Returns:
        (count, 3, side, side).

    Raises:
        ValueError: There is no picture, or one is smaller than a crop.
    """
    if not images:
        raise ValueError("there is no picture to cut from")
    spaced = [images[index * len(images) // count] for index in range(count)]
    chosen = spaced if len(images) > count else [images[index % len(images)] for index in range(count)]
    crops = []
    for image in chosen:
        height, width = image.shape[2:]
        if min(height, width) < side:
            raise ValueError(f"a picture is {size_text((height, width))} and crops have {side} px a side: leave it out")
        tops, lefts = (torch.randint(extent - side + 1, (tries,), generator=generator) for extent in (height, width))
        places = zip(tops.tolist(), lefts.tolist(), strict=True)
        drawn = [image[..., top : top + side, left : left + side] for top, left in places]
        crops.append(max(drawn, key=lambda crop: float(crop.std())))
    return torch.cat(crops)
