"""Blurs: Gaussian, of a lens out of focus, of a camera that moves. Each image of a batch gets a kernel of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mdfloss.sizes import size_text

from .protocol import NamedDistortion
from .strength import checked_strength, draw, highest

__all__ = ["DefocusBlur", "GaussianBlur", "MotionBlur"]


@dataclass(frozen=True)
class GaussianBlur(NamedDistortion):
    """Blur with a Gaussian kernel, cut at three standard deviations.

    Args:
        sigma: Standard deviation in px (not in 1/255 as for noise), above 0: fixed, or (lowest, highest) of the draws.

    Raises:
        TypeError: `sigma` is not a number or a pair.
        ValueError: `sigma` is not above 0, or its lowest is above its highest.
    """

    sigma: float | tuple[float, float] = (0.5, 3.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", checked_strength("sigma", self.sigma, low=0.01, unit="px"))

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Blur a batch.

        Args:
            image: (N, C, H, W) float, each side longer than three times the largest sigma.
            generator: Source of the strengths.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: The image is smaller than half the kernel.
        """
        sigma = draw(self.sigma, len(image), generator)[:, None, None]
        y, x = _grid(math.ceil(3 * highest(self.sigma)), generator.device)
        return _filter(image, torch.exp(-(x**2 + y**2) / (2 * sigma**2)))


@dataclass(frozen=True)
class DefocusBlur(NamedDistortion):
    """Blur of a lens out of focus: a disk with an edge one pixel soft.

    Args:
        radius: Radius in px, at least 0: fixed, or (lowest, highest) of the draws.

    Raises:
        TypeError: `radius` is not a number or a pair.
        ValueError: `radius` is negative, or its lowest is above its highest.
    """

    radius: float | tuple[float, float] = (1.0, 5.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", checked_strength("radius", self.radius, unit="px"))

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Blur a batch.

        Args:
            image: (N, C, H, W) float, each side longer than the largest radius.
            generator: Source of the strengths.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: The image is smaller than half the kernel.
        """
        radius = draw(self.radius, len(image), generator)[:, None, None]
        y, x = _grid(math.ceil(highest(self.radius)), generator.device)
        return _filter(image, (radius + 0.5 - torch.hypot(x, y)).clamp(0, 1))


@dataclass(frozen=True)
class MotionBlur(NamedDistortion):
    """Blur of a camera that moves on a straight line: a segment one pixel wide.

    Args:
        length: Way in px, at least 1 (sharp): fixed, or (lowest, highest) of the draws.
        angle: Direction in degrees, anticlockwise from the horizontal: fixed, or (lowest, highest) of the draws.

    Raises:
        TypeError: `length` or `angle` is not a number or a pair.
        ValueError: `length` is below 1, or a lowest is above its highest.
    """

    length: float | tuple[float, float] = (5.0, 15.0)
    angle: float | tuple[float, float] = (0.0, 180.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", checked_strength("length", self.length, low=1, unit="px"))
        object.__setattr__(self, "angle", checked_strength("angle", self.angle, low=-360, high=360, unit="degrees"))

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Blur a batch.

        Args:
            image: (N, C, H, W) float, each side longer than half the largest length.
            generator: Source of the strengths.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: The image is smaller than half the kernel.
        """
        half = (draw(self.length, len(image), generator)[:, None, None] - 1) / 2
        angle = torch.deg2rad(draw(self.angle, len(image), generator))[:, None, None]
        y, x = _grid(math.ceil((highest(self.length) + 1) / 2), generator.device)
        along = x * angle.cos() - y * angle.sin()
        across = x * angle.sin() + y * angle.cos()
        beyond = (along.abs() - half).clamp_min(0)
        return _filter(image, (1 - torch.hypot(beyond, across)).clamp_min(0))


def _grid(radius: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows and columns of a kernel of 2 × radius + 1 px, counted from its centre."""
    steps = torch.arange(-radius, radius + 1, dtype=torch.float32, device=device)
    return steps[:, None], steps[None, :]


def _filter(image: Tensor, kernels: Tensor) -> Tensor:
    """Correlate each image of (N, C, H, W) with its own kernel of (N, k, k); borders are mirrored."""
    count, channels, height, width = image.shape
    radius = kernels.shape[-1] // 2
    if min(height, width) <= radius:
        raise ValueError(
            f"image is {size_text(image.shape)} and the blur reaches {radius} px: use larger patches or a weaker blur"
        )
    weights = (kernels / kernels.sum((1, 2), keepdim=True)).to(image)
    weights = weights.repeat_interleave(channels, 0)[:, None]
    padded = functional.pad(image, (radius,) * 4, mode="reflect").flatten(0, 1)[None]
    return functional.conv2d(padded, weights, groups=count * channels).view(image.shape)
