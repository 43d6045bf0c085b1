"""How the feature distance is computed fast and in little memory; `loss.mdf_loss` is its plain definition.

What makes it cheap: BatchNorm is folded into the convolutions, once, until a weight changes. Prediction and target go
through each discriminator together, channels last, a few images at a time. And the gradient with respect to the
prediction is computed while the discriminator's maps are at hand, so that only the sum of the gradients is kept:
memory for one discriminator and a few images, not for K and a batch.
The price: the result can be differentiated once, not twice.

On CUDA a batch of patches is too little work for its launches, 70 a discriminator. There narrow discriminators are laid
side by side as one with block-diagonal weights: an eighth of the launches, and zeros that its matrix units take along.

Under autocast the convolutions run in its type, and differences are summed in float32. A half-precision map keeps 8 or
11 bits, and the difference of two of them would be mostly rounding where the images are close; so there the pair that
is sent through a discriminator is the target and the *difference*, which a convolution maps to the difference, and
which a LeakyReLU's step is computed for in float32.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from .bank import NEGATIVE_SLOPE, Discriminator
from .comparison import structure_distance
from .definitions import Definition
from .folds import Folds, Layer

__all__ = ["computing_dtype", "feature_distances"]

MAP_BYTES = {"cpu": 16 * 2**20}
"""Most bytes of one map of a pair of batches: on a CPU what its caches and the heap hold well."""
MAP_BYTES_ELSEWHERE = 128 * 2**20

STACK_WIDTH = {"cuda": 128}
"""Most channels of discriminators side by side, as many as their maps' bytes allow; elsewhere each is alone."""

BLOCKS = 4
"""Layers with a LeakyReLU; the tail has none."""

_HALF = (torch.bfloat16, torch.float16)
_FAST_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Instructions for bfloat16 matrices, in the words of `torch.cpu.get_capabilities`; the last is ARM's."""


def computing_dtype(pred: Tensor) -> torch.dtype:
    """The type that the convolutions shall run in: autocast's, or else the prediction's.

    A CPU without instructions for bfloat16 emulates them, several times slower than float32: there it is float32.
    Where this PyTorch cannot say what the CPU has, it does as it is asked.

    Args:
        pred: The prediction as the caller gave it.
    """
    device = pred.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else pred.dtype
    capabilities = getattr(torch.cpu, "get_capabilities", None)  # since PyTorch 2.10 or so
    if device == "cpu" and dtype in _HALF and capabilities is not None:
        has_fast = dtype == torch.bfloat16 and any(capabilities().get(name) for name in _FAST_BFLOAT16)
        return dtype if has_fast else torch.float32
    return dtype


def feature_distances(
    pred: Tensor,
    target: Tensor,
    discriminators: Iterable[Discriminator],
    definition: Definition,
    *,
    dtype: torch.dtype | None = None,
    folds: Folds | None = None,
) -> Tensor:
    """Sum over scales and maps of the mean difference, for each image.

    Args:
        pred: (N, 3, H, W) in the range that the discriminators are fed.
        target: Same shape; no gradient reaches it.
        discriminators: In eval mode.
        definition: Which maps are compared, and how.
        dtype: What the convolutions run in; that of `pred` by default.
        folds: Keeps what can be kept from one call to the next.

    Returns:
        (N,), float32 unless the input is float64; differentiable once with respect to `pred`.
    """
    folds = Folds() if folds is None else folds
    distances: Tensor = _Streamed.apply(pred, target, discriminators, definition, dtype or pred.dtype, folds)
    return distances


class _Streamed(torch.autograd.Function):
    """One discriminator after another; forward leaves the gradient's sum behind."""

    @staticmethod
    def forward(
        ctx: Any,
        pred: Tensor,
        target: Tensor,
        discriminators: Iterable[Discriminator],
        definition: Definition,
        dtype: torch.dtype,
        folds: Folds,
    ) -> Tensor:
        wanted: bool = ctx.needs_input_grad[0]
        gradient = torch.zeros_like(pred) if wanted else None
        distances = pred.new_zeros(len(pred), dtype=torch.promote_types(pred.dtype, torch.float32))
        with torch.autocast(pred.device.type, enabled=False):
            for stack in _stacks(discriminators, pred, dtype):
                layers = folds.layers(stack, definition, dtype)
                for part in _parts(pred, len(layers[0].bias), dtype):
                    pass_ = _Pass(layers, definition, pred[part], target[part], dtype, count=len(stack))
                    distances[part] += pass_.distances
                    if gradient is not None:
                        gradient[part] += pass_.gradient()
        ctx.save_for_backward(gradient)
        return distances

    @staticmethod
    def backward(ctx: Any, weights: Tensor) -> tuple[Tensor, None, None, None, None, None]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "MDFLoss can be differentiated once: for second derivatives (create_graph=True) use mdfloss.mdf_loss"
            )
        (gradient,) = ctx.saved_tensors
        return gradient * weights[:, None, None, None].to(gradient.dtype), None, None, None, None, None


def _stacks(
    discriminators: Iterable[Discriminator], batch: Tensor, dtype: torch.dtype
) -> Iterator[Sequence[Discriminator]]:
    """The discriminators, those of a width together as far as `STACK_WIDTH` and `MAP_BYTES` allow."""
    for width, group in groupby(discriminators, lambda discriminator: discriminator.width):
        equals = list(group)
        by_width = STACK_WIDTH.get(batch.device.type, 1) // width
        by_bytes = _images_at_once(batch, width, dtype) // max(1, len(batch))
        for part in _even_parts(len(equals), min(by_width, by_bytes)):
            yield equals[part]


def _parts(batch: Tensor, width: int, dtype: torch.dtype) -> Iterator[slice]:
    """The batch in parts small enough for `MAP_BYTES`."""
    return _even_parts(len(batch), _images_at_once(batch, width, dtype))


def _images_at_once(batch: Tensor, width: int, dtype: torch.dtype) -> int:
    """Pairs of images of which one map takes no more than `MAP_BYTES`."""
    _, _, height, breadth = batch.shape
    limit = MAP_BYTES.get(batch.device.type, MAP_BYTES_ELSEWHERE)
    return limit // (2 * width * height * breadth * dtype.itemsize)


def _even_parts(count: int, fitting: int) -> Iterator[slice]:
    """Parts of nearly equal size, each of at most `fitting`, or of one."""
    number = -(-count // max(1, fitting))
    for index in range(number):
        yield slice(index * count // number, (index + 1) * count // number)


class _Pass:
    """A few predictions and targets through one discriminator or several, and back.

    Args:
        layers: Of the discriminators, as deep as the definition looks.
        definition: Which maps are compared, and how.
        pred: (n, 3, H, W).
        target: The same shape.
        dtype: Of the maps.
        count: Discriminators that stand side by side in the layers; their distances are added.
    """

    def __init__(
        self,
        layers: list[Layer],
        definition: Definition,
        pred: Tensor,
        target: Tensor,
        dtype: torch.dtype,
        *,
        count: int = 1,
    ) -> None:
        self._definition = definition
        self._layers = layers
        self._count = count
        self._half = dtype in _HALF
        self._pixels = pred.shape[2] * pred.shape[3]
        self._predictions: list[Tensor] = []
        self._gradients: dict[int, Tensor] = {}
        self.distances = pred.new_zeros(len(pred), dtype=torch.promote_types(pred.dtype, torch.float32))
        pair = [target, pred - target] if self._half else [pred, target]
        x = torch.cat(pair).to(dtype, memory_format=torch.channels_last)
        for index, layer in enumerate(layers):
            x = nn.functional.conv2d(x, layer.weight, None if self._half else layer.bias)
            if self._half:
                x.chunk(2)[0].add_(layer.bias[:, None, None])
            if not definition.activated:
                self._compare(index, x)
            if index < BLOCKS:
                x = self._activated(x)
            if definition.activated:
                self._compare(index, x)

    def _activated(self, x: Tensor) -> Tensor:
        """The pair after its LeakyReLU, in the place of the pair before it; keeps the sign of the prediction's."""
        first, second = x.chunk(2)
        if not self._half:
            self._predictions.append(first)
            return nn.functional.leaky_relu_(x, NEGATIVE_SLOPE)
        self._predictions.append(first + second)
        moved = nn.functional.leaky_relu_(first.float() + second, NEGATIVE_SLOPE)
        second.copy_(moved - nn.functional.leaky_relu(first.float(), NEGATIVE_SLOPE))
        nn.functional.leaky_relu_(first, NEGATIVE_SLOPE)
        return x

    def _compare(self, index: int, x: Tensor) -> None:
        """Add a map's distance, and keep the distance's gradient with respect to the map, times the pixels."""
        if index not in self._definition.maps:
            return
        first, second = x.chunk(2)
        matrix = self._layers[index].whitening
        change = self._whitened(second if self._half else first - second, matrix)
        if self._definition.comparison == "structure":
            gradient = self._structure(self._whitened(first if self._half else second, matrix), change)
        else:
            gradient = self._difference(change)
        gradient = gradient.to(x.dtype)
        self._gradients[index] = gradient if matrix is None else _mixed(gradient, matrix)

    def _whitened(self, x: Tensor, matrix: Tensor | None) -> Tensor:
        """Times the matrix, and as precise as the distances."""
        return (x if matrix is None else _mixed(x, matrix.T)).to(self.distances.dtype)

    def _difference(self, change: Tensor) -> Tensor:
        """Add the size of a map's change, and return its gradient."""
        size = change[0].numel() // self._count
        if self._definition.comparison == "absolute":
            self.distances += change.abs().sum(dim=(1, 2, 3)) / size
            return torch.sgn(change).mul_(self._pixels / size)
        self.distances += change.square().sum(dim=(1, 2, 3)) / size
        return change * (2 * self._pixels / size)

    def _structure(self, target: Tensor, change: Tensor) -> Tensor:
        """Add the distance of the structures of a map before and after its change, and return its gradient."""
        pred = (target + change).requires_grad_()
        with torch.enable_grad():
            distances = structure_distance(pred, target) * self._count
            (gradient,) = torch.autograd.grad(distances.sum(), pred)
        self.distances += distances.detach()
        return gradient * self._pixels

    def gradient(self) -> Tensor:
        """Gradient of the distances with respect to the prediction, (n, 3, H, W).

        On the way it is larger by the number of pixels: the gradient of a mean would be lost in float16.
        """
        gradient: Tensor | None = None
        for index in reversed(range(len(self._layers))):
            here = self._gradients.pop(index, None)
            if self._definition.activated:
                gradient = _added(gradient, here)
            if gradient is not None and index < BLOCKS:
                gradient = torch.ops.aten.leaky_relu_backward(gradient, self._predictions[index], NEGATIVE_SLOPE, True)
            if not self._definition.activated:
                gradient = _added(gradient, here)
            if gradient is not None:
                gradient = nn.functional.conv_transpose2d(gradient, self._layers[index].weight)
        if gradient is None:
            raise ValueError("no map was compared")
        return gradient.to(self.distances.dtype) / self._pixels


def _mixed(maps: Tensor, matrix: Tensor) -> Tensor:
    """Maps whose channels are multiplied from the right by a (C, C) matrix: channels last, this is one product."""
    return (maps.permute(0, 2, 3, 1) @ matrix).permute(0, 3, 1, 2)


def _added(total: Tensor | None, term: Tensor | None) -> Tensor | None:
    """The sum of what is there."""
    if total is None or term is None:
        return term if total is None else total
    return total.add_(term)
