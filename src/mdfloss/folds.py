"""Discriminators' layers as the engine wants them: BatchNorm folded into the convolutions, until a weight changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from .bank import Discriminator
from .definitions import Definition

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
        self._kept: WeakKeyDictionary[Discriminator, dict[tuple[int, ...], _Kept]] = WeakKeyDictionary()

    def __reduce__(self) -> tuple[type[Folds], tuple[()]]:
        return Folds, ()  # a copy of the loss has weights of its own

    def layers(self, stack: Sequence[Discriminator], definition: Definition, dtype: torch.dtype) -> list[Layer]:
        """The layers up to the deepest map that a definition compares.

        Args:
            stack: One discriminator, or several that shall stand side by side; of one width, in eval mode.
            definition: Which maps are compared.
            dtype: Of the layers.
        """
        tensors = [t for discriminator in stack for t in (*discriminator.parameters(), *discriminator.buffers())]
        states = ((id(t), t.dtype, t.device, 0 if t.is_inference() else t._version) for t in tensors)
        stamp = [definition.maps, definition.whitened, dtype, *states]
        stacks = self._kept.setdefault(stack[0], {})
        key = tuple(map(id, stack))
        if key not in stacks or stacks[key].stamp != stamp:
            stacks[key] = _Kept(stamp, tensors, _side_by_side([_folded(d, definition, dtype) for d in stack]))
        return stacks[key].layers


@torch.no_grad()
def _side_by_side(stack: list[list[Layer]]) -> list[Layer]:
    """The layers of one network that does what each of several does: all see the image, none sees another's maps."""
    if len(stack) == 1:
        return stack[0]
    found = []
    for index, layers in enumerate(zip(*stack, strict=True)):
        weights = [layer.weight for layer in layers]
        weight = torch.cat(weights) if index == 0 else _block_diagonal(weights)
        matrices = [layer.whitening for layer in layers if layer.whitening is not None]
        whitening = _block_diagonal(matrices) if matrices else None
        bias = torch.cat([layer.bias for layer in layers])
        found.append(Layer(weight.contiguous(memory_format=torch.channels_last), bias, whitening))
    return found


def _block_diagonal(blocks: list[Tensor]) -> Tensor:
    """Convolutions or matrices beside each other as one: n of (O, I, …) to (nO, nI, …), zeros elsewhere."""
    count, (out, into, *taps) = len(blocks), blocks[0].shape
    whole = blocks[0].new_zeros(count, out, count, into, *taps)
    for index, block in enumerate(blocks):
        whole[index, :, index] = block
    return whole.flatten(0, 1).flatten(1, 2)


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
