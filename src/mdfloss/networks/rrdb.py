"""RRDBNet, the generator of ESRGAN (Wang et al., ECCV workshops 2018).

Residual-in-residual dense blocks, nearest-neighbour enlargement. Key names are BasicSR's (`conv_first`,
`body.0.rdb1.conv1`, `conv_body`, `conv_up1`, `conv_hr`, `conv_last`), which the `spandrel` package and the tools
built on it recognise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from .base import RestorationNetwork

__all__ = ["RRDBNet"]

NEGATIVE_SLOPE = 0.2
RESIDUAL_SCALE = 0.2
"""β of the paper."""

INITIAL_SCALE = 0.1
"""Weights of the dense blocks start this much smaller, as the authors' do."""


class DenseBlock(nn.Module):
    """Five 3×3 convolutions, each of which sees the maps of all before it."""

    def __init__(self, num_features: int, growth: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(num_features, growth, 3, padding=1)
        self.conv2 = nn.Conv2d(num_features + growth, growth, 3, padding=1)
        self.conv3 = nn.Conv2d(num_features + 2 * growth, growth, 3, padding=1)
        self.conv4 = nn.Conv2d(num_features + 3 * growth, growth, 3, padding=1)
        self.conv5 = nn.Conv2d(num_features + 4 * growth, num_features, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        maps = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            maps = torch.cat([maps, leaky_relu(conv(maps), NEGATIVE_SLOPE)], 1)
        y: Tensor = x + RESIDUAL_SCALE * self.conv5(maps)
        return y


class RRDB(nn.Module):
    """Three dense blocks and a residual around them."""

    def __init__(self, num_features: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(num_features, growth)
        self.rdb2 = DenseBlock(num_features, growth)
        self.rdb3 = DenseBlock(num_features, growth)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        y: Tensor = x + RESIDUAL_SCALE * self.rdb3(self.rdb2(self.rdb1(x)))
        return y


class RRDBNet(RestorationNetwork):
    """RRDBNet; the defaults are ESRGAN's (16.7 M parameters at ×4).

    Args:
        num_features: Channels of the trunk.
        num_blocks: Residual-in-residual dense blocks.
        growth: Channels that each dense convolution adds; spandrel recognises 32 only.
        upscale: 1, 2, 4 or 8.
        in_channels: 3 for colour, 1 for gray.

    Shape:
        (N, in_channels, H, W) in [0, 1] to (N, in_channels, upscale·H, upscale·W).

    Raises:
        ValueError: An upscale that is no power of two.

    Examples:
        >>> sum(p.numel() for p in RRDBNet().parameters())
        16697987
    """

    def __init__(
        self,
        *,
        num_features: int = 64,
        num_blocks: int = 23,
        growth: int = 32,
        upscale: int = 4,
        in_channels: int = 3,
    ) -> None:
        if upscale not in (1, 2, 4, 8):
            raise ValueError(f"RRDBNet enlarges by doubling: upscale must be 1, 2, 4 or 8, got {upscale}")
        arguments = {
            "num_features": num_features,
            "num_blocks": num_blocks,
            "growth": growth,
            "upscale": upscale,
            "in_channels": in_channels,
        }
        super().__init__(in_channels=in_channels, upscale=upscale, arguments=arguments)
        self.conv_first = nn.Conv2d(in_channels, num_features, 3, padding=1)
        self.body = nn.Sequential(*(RRDB(num_features, growth) for _ in range(num_blocks)))
        self.conv_body = nn.Conv2d(num_features, num_features, 3, padding=1)
        self._doublings = [f"conv_up{number}" for number in range(1, upscale.bit_length())]
        for name in self._doublings:
            self.add_module(name, nn.Conv2d(num_features, num_features, 3, padding=1))
        self.conv_hr = nn.Conv2d(num_features, num_features, 3, padding=1)
        self.conv_last = nn.Conv2d(num_features, in_channels, 3, padding=1)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights anew; those of the dense blocks a tenth as large."""
        super().initialise(generator)
        with torch.no_grad():
            for parameter in self.body.parameters():
                parameter.mul_(INITIAL_SCALE)

    def forward(self, lr: Tensor) -> Tensor:
        """Enlarge a batch of images."""
        x = self.conv_first(lr)
        x = x + self.conv_body(self.body(x))
        for name in self._doublings:
            conv = self.get_submodule(name)
            x = leaky_relu(conv(interpolate(x, scale_factor=2, mode="nearest")), NEGATIVE_SLOPE)
        hr: Tensor = self.conv_last(leaky_relu(self.conv_hr(x), NEGATIVE_SLOPE))
        return hr
