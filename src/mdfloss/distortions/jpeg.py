"""JPEG compression: the real codec, forth and back."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .protocol import NamedDistortion
from .strength import checked_strength, draw_whole

__all__ = ["Jpeg"]


@dataclass(frozen=True)
class Jpeg(NamedDistortion):
    """JPEG at a quality that each image draws for itself (paper section 4.3: 7 to 10).

    The image is clipped, rounded to 8 bit, encoded by libjpeg with chroma subsampling 4:2:0 (gray stays gray) and
    decoded. There is no gradient.

    Args:
        quality: 1 to 100: fixed, or (lowest, highest), both included.

    Raises:
        TypeError: `quality` is not a whole number or a pair of them.
        ValueError: `quality` is outside 1 to 100, or its lowest is above its highest.
    """

    quality: int | tuple[int, int] = (7, 10)

    def __post_init__(self) -> None:
        quality = checked_strength("quality", self.quality, low=1, high=100, integer=True)
        object.__setattr__(self, "quality", quality)

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Compress a batch.

        Args:
            image: (N, C, H, W) float in [0, 1], C = 1 or 3; values outside are clipped.
            generator: Source of the qualities.

        Returns:
            (N, C, H, W) in [0, 1] on 8-bit levels, on the device of `image`.

        Raises:
            ValueError: C is neither 1 nor 3.
        """
        from torchvision.io import decode_jpeg, encode_jpeg  # half a second of import

        if image.shape[1] not in (1, 3):
            raise ValueError(f"JPEG holds 1 or 3 channels, got image of shape {tuple(image.shape)}")
        qualities = draw_whole(self.quality, len(image), generator)
        levels = image.detach().float().clamp(0, 1).mul(255).round_().to("cpu", torch.uint8)
        files = [encode_jpeg(*pair) for pair in zip(levels, qualities, strict=True)]
        return torch.stack(decode_jpeg(files)).to(image).div_(255)
