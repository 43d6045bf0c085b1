"""Several distortions: one after the other, or one of them for each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .protocol import AnyDistortion, NamedDistortion

__all__ = ["Compose", "OneOf"]


@dataclass(frozen=True)
class _Several:
    """What distortions of distortions share: their parts, checked."""

    distortions: Sequence[AnyDistortion]

    def __post_init__(self) -> None:
        if not self.distortions:
            raise ValueError("distortions must hold at least one distortion, got none")
        for distortion in self.distortions:
            if not callable(distortion):
                raise TypeError(f"distortions must be callable with (image, generator), got {distortion!r}")
        object.__setattr__(self, "distortions", tuple(self.distortions))


@dataclass(frozen=True)
class Compose(_Several, NamedDistortion):
    """Apply distortions in the given order, such as blur, then noise, then JPEG.

    Args:
        distortions: At least one.

    Raises:
        TypeError: One of them cannot be called.
        ValueError: There are none.
    """

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Distort a batch.

        Args:
            image: (N, C, H, W) float in [0, 1].
            generator: Handed to each distortion in turn.

        Returns:
            What the last distortion returns.
        """
        for distortion in self.distortions:
            image = distortion(image, generator)
        return image


@dataclass(frozen=True)
class OneOf(_Several, NamedDistortion):
    """Apply to each image one of several distortions, all equally likely, such as motion blur or defocus.

    Args:
        distortions: At least one; all must return images of one size.

    Raises:
        TypeError: One of them cannot be called.
        ValueError: There are none.
    """

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Distort a batch.

        Args:
            image: (N, C, H, W) float in [0, 1].
            generator: Draws which distortion each image gets, then serves that distortion.

        Returns:
            The distorted images, N of them.
        """
        chosen = torch.randint(len(self.distortions), (len(image),), generator=generator, device=generator.device)
        parts = zip(torch.split(image, 1), chosen.tolist(), strict=True)
        return torch.cat([self.distortions[number](one, generator) for one, number in parts])
