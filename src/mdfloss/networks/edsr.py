"""EDSR (Lim et al., CVPR workshops 2017, "Enhanced Deep Residual Networks for Single Image Super-Resolution").

Residual blocks without BatchNorm, a long skip, pixel shuffles. Key names are those of BasicSR
(github.com/XPixelGroup/BasicSR, `archs/edsr_arch.py`): `conv_first`, `body.0.conv1`, `conv_after_body`, `upsample.0`,
`conv_last`; so its files load here.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import RestorationNetwork, pixel_shuffles

__all__ = ["EDSR"]

DIV2K_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K's training pictures, taken away before and given back after."""

IMAGE_RANGE = 255.0
"""The network works on values of 0 to 255, as the authors' does."""


class EDSRBlock(nn.Module):
    """x + residual_scale · conv(ReLU(conv(x)))."""

    def __init__(self, num_features: int, residual_scale: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_features, num_features, 3, padding=1)
        self.conv2 = nn.Conv2d(num_features, num_features, 3, padding=1)
        self.residual_scale = residual_scale

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        residual: Tensor = self.conv2(self.conv1(x).relu())
        return x + residual * self.residual_scale


class EDSR(RestorationNetwork):
    """EDSR; the defaults are its baseline (1.52 M parameters at ×4).

    The large network of the paper (43.1 M) is `EDSR(num_features=256, num_blocks=32, residual_scale=0.1)`.

    Args:
        num_features: Channels of every hidden map.
        num_blocks: Residual blocks.
        residual_scale: Factor of every residual.
        upscale: 2, 3, 4 or 8.
        in_channels: 3 for colour, 1 for gray.

    Shape:
        (N, in_channels, H, W) in [0, 1] to (N, in_channels, upscale·H, upscale·W).

    Raises:
        ValueError: No feature or block, or an upscale that is not one of these.

    Examples:
        >>> sum(p.numel() for p in EDSR().parameters())
        1517571
    """

    mean: Tensor

    def __init__(
        self,
        *,
        num_features: int = 64,
        num_blocks: int = 16,
        residual_scale: float = 1.0,
        upscale: int = 4,
        in_channels: int = 3,
    ) -> None:
        arguments = {
            "num_features": num_features,
            "num_blocks": num_blocks,
            "residual_scale": residual_scale,
            "upscale": upscale,
            "in_channels": in_channels,
        }
        super().__init__(in_channels=in_channels, upscale=upscale, arguments=arguments)
        self.conv_first = nn.Conv2d(in_channels, num_features, 3, padding=1)
        self.body = nn.Sequential(*(EDSRBlock(num_features, residual_scale) for _ in range(num_blocks)))
        self.conv_after_body = nn.Conv2d(num_features, num_features, 3, padding=1)
        self.upsample = nn.Sequential(*pixel_shuffles(num_features, upscale))
        self.conv_last = nn.Conv2d(num_features, in_channels, 3, padding=1)
        colour = torch.tensor(DIV2K_MEAN if in_channels == 3 else [0.0] * in_channels)
        self.register_buffer("mean", colour.view(1, -1, 1, 1), persistent=False)

    def forward(self, lr: Tensor) -> Tensor:
        """Enlarge a batch of images."""
        x = self.conv_first((lr - self.mean) * IMAGE_RANGE)
        x = x + self.conv_after_body(self.body(x))
        hr: Tensor = self.conv_last(self.upsample(x)) / IMAGE_RANGE + self.mean
        return hr
