"""Response curves: a loss against distortions of growing strength that all have the same PSNR (paper, Fig. 16 and 17).

The strength of each distortion is solved for, image by image, so that its mean squared error is the wanted one;
nothing is clipped or rounded afterwards. What a distortion cannot reach (a JPEG finer than quality 100, a contrast
below zero, a blur of what is smooth) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mdfloss.distortions import Jpeg

from .gain import LossFunction
from .probes import grating, white_noise

__all__ = ["KINDS", "PSNR_LEVELS", "EqualPSNRSet", "equal_psnr_set", "response_curves"]

PSNR_LEVELS = (45.0, 40.0, 35.0, 30.0, 25.0, 20.0)
"""Steps in dB."""

GRATING_FREQUENCY = 1 / 8
"""Cycles per pixel of the sine grating; the paper gives none."""

JPEG_STRETCH = 1.5
"""Qualities are whole numbers: the error of the nearest one is scaled, at most by this factor, to the wanted PSNR."""


@dataclass(frozen=True)
class EqualPSNRSet:
    """The same images under several distortions at equal steps of PSNR.

    Args:
        images: (N, 3, H, W) in [0, 1].
        levels: PSNR in dB.
        distorted: Kind → one (N, 3, H, W) for each level, or None where an image cannot reach it.
    """

    images: Tensor
    levels: tuple[float, ...]
    distorted: Mapping[str, tuple[Tensor | None, ...]]


def equal_psnr_set(
    images: Tensor, *, levels: Sequence[float] = PSNR_LEVELS, generator: torch.Generator
) -> EqualPSNRSet:
    """Distort images by every kind in `KINDS` at equal steps of PSNR.

    Args:
        images: (N, 3, H, W) in [0, 1].
        levels: PSNR in dB.
        generator: Source of the noise.
    """
    distorted = {}
    for kind, distort in KINDS.items():
        rows = [
            [distort(image, 10 ** (-level / 20), generator) for image in torch.split(images, 1)] for level in levels
        ]
        distorted[kind] = tuple(_together(row) for row in rows)
    return EqualPSNRSet(images, tuple(levels), distorted)


def _together(images: Sequence[Tensor | None]) -> Tensor | None:
    present = [image for image in images if image is not None]
    return torch.cat(present) if len(present) == len(images) else None


@torch.no_grad()
def response_curves(loss: LossFunction, images: EqualPSNRSet) -> dict[str, NDArray[np.float64]]:
    """The loss at every kind and level.

    Args:
        loss: (pred, target) → mean over the batch.
        images: What `equal_psnr_set` made.

    Returns:
        Kind → (levels,), NaN where the kind does not reach the level; less the loss of equal images.
    """
    rest = float(loss(images.images, images.images))
    return {
        kind: np.array([np.nan if one is None else float(loss(one, images.images)) - rest for one in row])
        for kind, row in images.distorted.items()
    }


def _rmse(pred: Tensor, target: Tensor) -> float:
    return float((pred - target).double().square().mean().sqrt())


def _noise(image: Tensor, rmse: float, generator: torch.Generator) -> Tensor:
    return image + rmse * white_noise(image.shape, generator=generator)


def _blur(image: Tensor, rmse: float, generator: torch.Generator) -> Tensor | None:  # noqa: ARG001
    from scipy.ndimage import gaussian_filter
    from scipy.optimize import brentq

    def blurred(sigma: float) -> Tensor:
        planes = gaussian_filter(image[0].numpy(), sigma, mode="mirror", truncate=3.0, axes=(1, 2))
        return torch.from_numpy(planes)[None]

    def excess(sigma: float) -> float:
        return _rmse(blurred(sigma), image) - rmse

    weakest, strongest = 0.15, min(image.shape[2:]) / 2
    if not excess(weakest) < 0 < excess(strongest):
        return None
    return blurred(brentq(excess, weakest, strongest, xtol=1e-5, rtol=1e-6))


def _jpeg(image: Tensor, rmse: float, generator: torch.Generator) -> Tensor | None:
    """The error of the quality nearest to the wanted PSNR, scaled to it; PSNR is taken to rise with quality."""

    @lru_cache
    def error(quality: int) -> float:
        return _rmse(Jpeg(quality=quality)(image, generator), image)

    low, high = 1, 100
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if error(middle) > rmse else (low, middle)
    quality = min((low, high), key=lambda q: abs(np.log(error(q) / rmse)))
    factor = rmse / error(quality)
    if not 1 / JPEG_STRETCH <= factor <= JPEG_STRETCH:
        return None
    return image + factor * (Jpeg(quality=quality)(image, generator) - image)


def _grating(image: Tensor, rmse: float, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    size = (image.shape[2], image.shape[3])
    return image + rmse * grating(
        size, frequency=GRATING_FREQUENCY, orientation=0, colour="luma", phases=torch.zeros(1)
    )


def _contrast(image: Tensor, rmse: float, generator: torch.Generator) -> Tensor | None:  # noqa: ARG001
    """Less contrast about the mean of all channels."""
    deviation = image - image.mean()
    spread = float(deviation.double().square().mean().sqrt())
    return image - (rmse / spread) * deviation if spread > rmse else None


def _brightness(image: Tensor, rmse: float, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    """Brighter where the image is dark, darker where it is bright."""
    return image + (rmse if float(image.mean()) < 0.5 else -rmse)


KINDS: dict[str, Callable[[Tensor, float, torch.Generator], Tensor | None]] = {
    "noise": _noise,
    "blur": _blur,
    "JPEG": _jpeg,
    "grating": _grating,
    "contrast": _contrast,
    "brightness": _brightness,
}
"""Kind → (image, wanted root mean squared error, generator) → the distorted image, or None out of its reach."""
