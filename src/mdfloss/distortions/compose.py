"""Several distortions, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .protocol import AnyDistortion, NamedDistortion

__all__ = ["Compose"]


@dataclass(frozen=True)
class Compose(NamedDistortion):
    """Apply distortions in the given order, such as blur, then noise, then JPEG.

    Args:
        distortions: At least one.

    Raises:
        TypeError: One of them cannot be called.
        ValueError: There are none.
    """

    distortions: Sequence[AnyDistortion]

    def __post_init__(self) -> None:
        object.__setattr__(self, "distortions", tuple(self.distortions))
        if not self.distortions:
            raise ValueError("distortions must hold at least one distortion, got none")
        for distortion in self.distortions:
            if not callable(distortion):
                raise TypeError(f"distortions must be callable with (image, generator), got {distortion!r}")

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
