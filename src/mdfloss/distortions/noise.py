"""Noise of cameras: Gaussian, and Poisson with Gaussian (photons and read-out)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .protocol import NamedDistortion
from .strength import Strength, checked_strength, draw

__all__ = ["GaussianNoise", "PoissonGaussianNoise"]


@dataclass(frozen=True)
class GaussianNoise(NamedDistortion):
    """Additive white Gaussian noise; the result is not clipped (paper section 4.2: σ ~ U[0, 55]).

    Args:
        sigma: Standard deviation in 1/255 of the range, at least 0: fixed, or (lowest, highest) of a uniform
            distribution from which each image draws its own.

    Raises:
        TypeError: `sigma` is not a number or a pair.
        ValueError: `sigma` is negative, not finite, or its lowest is above its highest.
    """

    sigma: float | tuple[float, float] = (0.0, 55.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sigma", checked_strength("sigma", self.sigma, unit="(in 1/255)"))

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to a batch.

        Args:
            image: (N, C, H, W) float in [0, 1].
            generator: Source of randomness.

        Returns:
            (N, C, H, W), beyond [0, 1] where the noise carries it.
        """
        return image + _gaussian(image, self.sigma, generator)


@dataclass(frozen=True)
class PoissonGaussianNoise(NamedDistortion):
    """Noise of a sensor: Poisson noise of the photons, then Gaussian noise of the read-out; not clipped.

    The variance of a pixel of value x is x / photons + (sigma / 255)² (Foi et al., IEEE TIP 17(10), 2008).

    Args:
        photons: Mean count at white, above 0: fixed, or (lowest, highest) of the draws. Fewer is noisier.
        sigma: Standard deviation of the read-out in 1/255 of the range, as in `GaussianNoise`.

    Raises:
        TypeError: A strength is not a number or a pair.
        ValueError: A strength is out of its limits, or its lowest is above its highest.
    """

    photons: float | tuple[float, float] = (100.0, 1000.0)
    sigma: float | tuple[float, float] = (0.0, 10.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "photons", checked_strength("photons", self.photons, low=1e-3))
        object.__setattr__(self, "sigma", checked_strength("sigma", self.sigma, unit="(in 1/255)"))

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Add noise to a batch.

        Args:
            image: (N, C, H, W) float in [0, 1]; values below 0 are taken as 0.
            generator: Source of randomness.

        Returns:
            (N, C, H, W), beyond [0, 1] where the noise carries it.
        """
        photons = draw(self.photons, len(image), generator)[:, None, None, None]
        rate = image.detach().to(generator.device).clamp_min(0) * photons
        shot = (torch.poisson(rate, generator=generator) / photons).to(image)
        return shot + _gaussian(image, self.sigma, generator)


def _gaussian(image: Tensor, sigma: Strength, generator: torch.Generator) -> Tensor:
    """Noise like `image` in shape, type and device, with one standard deviation for each image."""
    strength = draw(sigma, len(image), generator)[:, None, None, None] / 255
    noise = torch.randn(image.shape, generator=generator, device=generator.device)
    return (strength * noise).to(image)
