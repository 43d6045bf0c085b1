"""Losses of structural similarity: SSIM, MS-SSIM, and the mix of MS-SSIM and L1 of Zhao et al.

SSIM and its contrast term at each scale are torchmetrics'. MS-SSIM is their product here, because the usual ones turn
NaN where a contrast term is negative, forward or backward: terms are held above a small positive number first.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d, pad

from .base import ImageLoss

__all__ = ["MSSSIML1Loss", "MSSSIMLoss", "SSIMLoss"]

WINDOW = 11
"""Side of SSIM's Gaussian window, px."""

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first (Wang, Simoncelli, Bovik 2003)."""

SMALLEST_TERM = 1e-4
"""Terms below are taken as this, with gradient 0."""


def _ssim_terms(pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM and its contrast-structure term of each image."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    both: Any = structural_similarity_index_measure(
        pred, target, data_range=1.0, reduction="none", return_contrast_sensitivity=True
    )
    return both[0].reshape(-1), both[1].reshape(len(pred), -1).mean(1)


class SSIMLoss(ImageLoss):
    """1 - SSIM, window of 11 px with σ = 1.5 (Wang et al. 2004), by torchmetrics."""

    min_size = WINDOW

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        return 1 - _ssim_terms(pred, target)[0]


class MSSSIMLoss(ImageLoss):
    """1 - MS-SSIM (Wang, Simoncelli, Bovik 2003).

    Five scales need images of 161 px; smaller ones get as many scales as fit (four from 81 px, three from 41), with
    the weights of those scales made to sum to 1, and a warning says so once.
    """

    min_size = WINDOW

    def __init__(self) -> None:
        super().__init__()
        self._has_warned = False

    def scale_weights(self, side: int) -> tuple[float, ...]:
        """Exponents of the scales that fit an image whose smaller side has `side` px."""
        fitting = [w for k, w in enumerate(SCALE_WEIGHTS) if side > (WINDOW - 1) * 2**k]
        if len(fitting) < len(SCALE_WEIGHTS) and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"MS-SSIM of {side} px images has {len(fitting)} scales, not 5: those would need 161 px", stacklevel=2
            )
        total = sum(fitting) if len(fitting) < len(SCALE_WEIGHTS) else 1.0
        return tuple(weight / total for weight in fitting)

    def similarity(self, pred: Tensor, target: Tensor) -> Tensor:
        """MS-SSIM of each image, (N,)."""
        weights = self.scale_weights(min(pred.shape[2:]))
        product = pred.new_ones(len(pred))
        for scale, weight in enumerate(weights):
            ssim, contrast = _ssim_terms(pred, target)
            term = ssim if scale == len(weights) - 1 else contrast
            product = product * term.clamp_min(SMALLEST_TERM) ** weight
            pred, target = avg_pool2d(pred, 2), avg_pool2d(target, 2)
        return product

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        return 1 - self.similarity(pred, target)


class MSSSIML1Loss(MSSSIMLoss):
    """α · (1 - MS-SSIM) + (1 - α) · G ∗ |difference| (Zhao et al., IEEE TCI 2017, Eq. 16).

    G is a Gaussian of the coarsest scale's σ, 8 px, in a window of 33 px; the image is mirrored at its border.

    Args:
        alpha: Weight of MS-SSIM; 0.84 as published.
    """

    sigma = 8.0
    radius = 16
    min_size = radius + 1

    def __init__(self, *, alpha: float = 0.84) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha must be within [0, 1], got {alpha}")
        self.alpha = alpha

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        absolute = self._smooth((pred - target).abs()).mean((1, 2, 3))
        return self.alpha * (1 - self.similarity(pred, target)) + (1 - self.alpha) * absolute

    def _smooth(self, image: Tensor) -> Tensor:
        places = torch.arange(-self.radius, self.radius + 1, device=image.device, dtype=image.dtype)
        window = torch.exp(-(places**2) / (2 * self.sigma**2))
        window = window / window.sum()
        planes = pad(image.flatten(0, 1)[:, None], [self.radius] * 4, mode="reflect")
        rows = conv2d(planes, window.view(1, 1, -1, 1))
        return conv2d(rows, window.view(1, 1, 1, -1)).view_as(image)
