"""A discriminator's layers as the engine wants them: BatchNorm folded into the convolutions, until a weight changes."""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from .bank import Discriminator
from .definitions import Definition
from .recording import Recordings

__all__ = ["Folds", "Layer"]


class Layer(NamedTuple):
    """A convolution with its BatchNorm folded in, and the matrix that whitens its response."""

    weight: Tensor
    bias: Tensor
    whitening: Tensor | None


class _Kept(NamedTuple):
    """Layers, and the tensors that they were made of, with a stamp of their state."""

    stamp: list[object]
    tensors: list[Tensor]
    layers: list[Layer]


class Folds:
    """Layers with BatchNorm folded in, kept until a weight is replaced or changed in place.

    What is done to a weight behind autograd's back (through `.data`, keeping type and device) goes unseen.
    """

    def __init__(self) -> None:
        self.recordings = Recordings()
        """CUDA graphs made with these layers."""
        self._kept: WeakKeyDictionary[Discriminator, _Kept] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type[Folds], tuple[()]]:
        return Folds, ()  # a copy of the loss has weights of its own

    def layers(self, discriminator: Discriminator, definition: Definition, dtype: torch.dtype) -> list[Layer]:
        """The layers up to the deepest map that a definition compares.

        Args:
            discriminator: In eval mode.
            definition: Which maps are compared.
            dtype: Of the layers.
        """
        tensors = [*discriminator.parameters(), *discriminator.buffers()]
        states = ((id(t), t.dtype, t.device, 0 if t.is_inference() else t._version) for t in tensors)
        stamp = [definition.maps, definition.whitened, dtype, *states]
        kept = self._kept.get(discriminator)
        if kept is None or kept.stamp != stamp:
            kept = _Kept(stamp, tensors, _folded(discriminator, definition, dtype))
            self._kept[discriminator] = kept
        return kept.layers


@torch.no_grad()
def _folded(discriminator: Discriminator, definition: Definition, dtype: torch.dtype) -> list[Layer]:
    depth = max(definition.maps) + 1
    layers = []
    for index, block in enumerate(discriminator.blocks[:depth]):
        norm = block.norm
        if norm.running_var is None or norm.running_mean is None:
            raise ValueError("the discriminators need running statistics")
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        bias = 0 if block.conv.bias is None else block.conv.bias
        matrix = None
        if definition.whitened and index in definition.maps and discriminator.whitening is not None:
            matrix = discriminator.whitening[index].to(dtype)
        weight = (block.conv.weight * scale[:, None, None, None]).to(dtype, memory_format=torch.channels_last)
        layers.append(Layer(weight, ((bias - norm.running_mean) * scale + norm.bias).to(dtype), matrix))
    if depth > len(layers):
        tail = discriminator.tail
        bias = torch.zeros_like(tail.weight[:, 0, 0, 0]) if tail.bias is None else tail.bias
        layers.append(Layer(tail.weight.to(dtype, memory_format=torch.channels_last), bias.to(dtype), None))
    return layers
