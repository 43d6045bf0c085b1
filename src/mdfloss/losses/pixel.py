"""Losses that compare pixel with pixel, or frequency with frequency."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .base import ImageLoss

__all__ = ["CharbonnierLoss", "FrequencyLoss", "L1Loss", "MSELoss", "RMSELoss"]


class L1Loss(ImageLoss):
    """Mean absolute difference."""

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        return (pred - target).abs().mean((1, 2, 3))


class MSELoss(ImageLoss):
    """Mean squared difference, L2."""

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        return (pred - target).square().mean((1, 2, 3))


class RMSELoss(ImageLoss):
    """Root of each image's mean squared difference: L2 in the units of L1, so that it mixes with losses in those.

    Every image counts alike, however large its error. Equal images have a gradient of 0.
    """

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        norm: Tensor = torch.linalg.vector_norm(pred - target, dim=(1, 2, 3))
        return norm / math.sqrt(pred[0].numel())


class CharbonnierLoss(ImageLoss):
    """√(d² + ε²) - ε, an L1 that is smooth at 0 (Lai et al., CVPR 2017; there without the -ε).

    Args:
        epsilon: Where it turns from squared to absolute, in units of the image.

    Raises:
        ValueError: `epsilon` is not positive.
    """

    def __init__(self, *, epsilon: float = 1e-3) -> None:
        super().__init__()
        if not epsilon > 0:
            raise ValueError(f"epsilon must be positive, got {epsilon}")
        self.epsilon = epsilon

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        return ((pred - target).square() + self.epsilon**2).sqrt().sub(self.epsilon).mean((1, 2, 3))


class FrequencyLoss(ImageLoss):
    """Mean absolute difference of the Fourier coefficients, orthonormal (Cho et al., ICCV 2021, MIMO-UNet)."""

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        difference = torch.fft.rfft2(pred - target, norm="ortho")
        return torch.view_as_real(difference).abs().mean((1, 2, 3, 4))
