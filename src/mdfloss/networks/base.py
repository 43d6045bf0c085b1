"""What every restoration network here has in common, so that a file can say how to build it again."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

__all__ = ["RestorationNetwork", "initialise", "pixel_shuffles"]

UPSCALES = (1, 2, 3, 4, 8)
COUNTS = {"num_features", "num_blocks", "growth"}


class RestorationNetwork(nn.Module):
    """A network that maps distorted images to restored ones and remembers its own arguments.

    Shape:
        Input (N, in_channels, H, W) in [0, 1], any size; output (N, in_channels, upscale·H, upscale·W), which may
        leave [0, 1] a little.

    Args:
        in_channels: Channels of the images.
        upscale: Factor by which the output is larger than the input.
        arguments: Every keyword argument of the subclass, as numbers, strings and flags.
    """

    def __init__(self, *, in_channels: int, upscale: int = 1, arguments: dict[str, Any]) -> None:
        super().__init__()
        if in_channels < 1:
            raise ValueError(f"in_channels must be at least 1, got {in_channels}")
        if upscale not in UPSCALES:
            raise ValueError(f"upscale must be one of {UPSCALES}, got {upscale}")
        for name in COUNTS & arguments.keys():
            if arguments[name] < 1:
                raise ValueError(f"{name} must be at least 1, got {arguments[name]}")
        self.in_channels = in_channels
        self.upscale = upscale
        self.arguments = arguments

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights anew from `generator`."""
        initialise(self, generator)


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of every convolution and linear layer as torch does by default, but from `generator`.

    Args:
        module: Changed in place; its other layers keep the constants that torch gave them.
        generator: Its state decides the weights; the global one is not touched.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=generator)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel())
                nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def pixel_shuffles(
    num_features: int, upscale: int, *, activation: Callable[[], nn.Module] | None = None
) -> list[nn.Module]:
    """Layers that enlarge a map: for each factor a 3×3 convolution, a pixel shuffle (Shi et al., CVPR 2016).

    Args:
        num_features: Channels before and after.
        upscale: 3, or a power of two, which is made of doublings.
        activation: Makes what follows each shuffle.
    """
    factors = [3] if upscale == 3 else [2] * (upscale.bit_length() - 1)
    layers: list[nn.Module] = []
    for factor in factors:
        layers += [nn.Conv2d(num_features, num_features * factor**2, 3, padding=1), nn.PixelShuffle(factor)]
        layers += [] if activation is None else [activation()]
    return layers
