"""The frame of every loss here: one check of the images, float32 sums, a mean over the batch."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from mdfloss.images import check_images

__all__ = ["ImageLoss"]


class ImageLoss(nn.Module):
    """A distance of images in [0, 1]; 0 for equal ones, and lower is better always.

    A subclass says in `distance` what it computes; the value range, the sizes and the precision are settled here.

    Shape:
        pred, target: (N, C, H, W), C = 3 or 1; `target` in [0, 1], `pred` may stick out. Result: float32 scalar.
    """

    min_size: ClassVar[int] = 1
    """Smallest side of an image, px."""

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """The distance of each image, (N,); both are float32, and autocast is off."""
        raise NotImplementedError

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """The mean distance over the batch.

        Raises:
            TypeError: Not floating-point tensors.
            ValueError: Shapes, sizes or values break the contract of `mdfloss.images.check_images`.
        """
        check_images(pred, target, min_size=self.min_size)
        with torch.autocast(pred.device.type, enabled=False):
            return self.distance(pred.float(), target.float()).mean()
