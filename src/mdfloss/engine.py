"""How the feature distance is computed fast and in little memory; `loss.mdf_loss` is its plain definition.

What makes it cheap: BatchNorm is folded into the convolutions. Prediction and target go through each discriminator
together, channels last. And the gradient with respect to the prediction is computed while the discriminator's
maps are at hand, so that only the sum of the gradients is kept: the memory of one discriminator, not of K.
Under autocast the convolutions run in its type; differences are taken and summed in float32.
The price: the result can be differentiated once, not twice.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .bank import NEGATIVE_SLOPE, Discriminator, DiscriminatorBank
from .definitions import Definition

__all__ = ["feature_distances"]


def feature_distances(pred: Tensor, target: Tensor, bank: DiscriminatorBank, definition: Definition) -> Tensor:
    """Sum over scales and maps of the mean difference, for each image.

    Args:
        pred: (N, 3, H, W) in the range that the discriminators are fed.
        target: Same shape; no gradient reaches it.
        bank: In eval mode.
        definition: Which maps are compared, and how.

    Returns:
        (N,), float32 unless the input is float64; differentiable once with respect to `pred`.
    """
    distances: Tensor = _Streamed.apply(pred, target, bank, definition)
    return distances


class _Streamed(torch.autograd.Function):
    """One discriminator after another; forward leaves the gradient's sum behind."""

    @staticmethod
    def forward(ctx: Any, pred: Tensor, target: Tensor, bank: DiscriminatorBank, definition: Definition) -> Tensor:
        device = pred.device.type
        dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else pred.dtype
        wants_gradient = ctx.needs_input_grad[0]
        both = torch.cat([pred, target]).contiguous(memory_format=torch.channels_last)
        gradient = torch.zeros_like(pred) if wants_gradient else None
        distances = pred.new_zeros(len(pred), dtype=torch.promote_types(pred.dtype, torch.float32))
        with torch.autocast(device, enabled=False):
            for discriminator in bank:
                pass_ = _Pass(discriminator, both.to(dtype), definition)
                distances += pass_.distances
                if gradient is not None:
                    gradient += pass_.gradient()
        ctx.save_for_backward(gradient)
        return distances

    @staticmethod
    def backward(ctx: Any, weights: Tensor) -> tuple[Tensor, None, None, None]:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "MDFLoss can be differentiated once: for second derivatives (create_graph=True) use mdfloss.mdf_loss"
            )
        (gradient,) = ctx.saved_tensors
        return gradient * weights[:, None, None, None].to(gradient.dtype), None, None, None


class _Layer(NamedTuple):
    """A convolution with its BatchNorm folded in."""

    weight: Tensor
    bias: Tensor


def _folded(discriminator: Discriminator, depth: int, dtype: torch.dtype) -> list[_Layer]:
    """The first `depth` layers of a discriminator in eval mode."""
    layers = []
    for block in discriminator.blocks[:depth]:
        norm = block.norm
        if norm.running_var is None or norm.running_mean is None:
            raise ValueError("the discriminators need running statistics")
        scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
        bias = 0 if block.conv.bias is None else block.conv.bias
        weight = block.conv.weight * scale[:, None, None, None]
        layers.append(_Layer(weight.to(dtype), ((bias - norm.running_mean) * scale + norm.bias).to(dtype)))
    if depth > len(layers) and discriminator.tail.bias is not None:
        layers.append(_Layer(discriminator.tail.weight.to(dtype), discriminator.tail.bias.to(dtype)))
    return layers


class _Pass:
    """Prediction and target through one discriminator, and back.

    Args:
        discriminator: In eval mode.
        both: (2N, 3, H, W): the predictions, then the targets.
        definition: Which maps are compared, and how.
    """

    def __init__(self, discriminator: Discriminator, both: Tensor, definition: Definition) -> None:
        self._definition = definition
        self._whitening = discriminator.whitening if definition.whitened else None
        self._blocks = len(discriminator.blocks)
        self._layers = _folded(discriminator, max(definition.maps) + 1, both.dtype)
        self._activations: list[Tensor] = []
        self._gradients: dict[int, Tensor] = {}
        self.distances = both.new_zeros(len(both) // 2, dtype=torch.promote_types(both.dtype, torch.float32))
        x = both
        for index, layer in enumerate(self._layers):
            x = nn.functional.conv2d(x, layer.weight, layer.bias)
            if not definition.activated:
                self._compare(index, x)
            if index < self._blocks:
                x = nn.functional.leaky_relu_(x, NEGATIVE_SLOPE)
            if definition.activated:
                self._compare(index, x)
            self._activations.append(x)

    def _compare(self, index: int, maps: Tensor) -> None:
        """Add a map's distance, and keep the distance's gradient with respect to the map."""
        if index not in self._definition.maps:
            return
        found, wanted = maps.chunk(2)
        difference = found.to(self.distances.dtype) - wanted
        matrix = None if self._whitening is None else self._whitening[index].to(difference.dtype)[:, :, None, None]
        if matrix is not None:
            difference = nn.functional.conv2d(difference, matrix)
        size = difference[0].numel()
        if self._definition.absolute:
            self.distances += difference.abs().sum(dim=(1, 2, 3)) / size
            gradient = difference.sign_().div_(size)
        else:
            self.distances += difference.square().sum(dim=(1, 2, 3)) / size
            gradient = difference.mul_(2 / size)
        if matrix is not None:
            gradient = nn.functional.conv_transpose2d(gradient, matrix)
        self._gradients[index] = gradient.to(maps.dtype)

    def gradient(self) -> Tensor:
        """Gradient of the distances with respect to the prediction, (N, 3, H, W)."""
        gradient: Tensor | None = None
        for index in reversed(range(len(self._layers))):
            here = self._gradients.pop(index, None)
            if self._definition.activated:
                gradient = _added(gradient, here)
            if gradient is not None and index < self._blocks:
                activation = self._activations[index].chunk(2)[0]
                gradient = torch.ops.aten.leaky_relu_backward(gradient, activation, NEGATIVE_SLOPE, True)
            if not self._definition.activated:
                gradient = _added(gradient, here)
            if gradient is not None:
                gradient = nn.functional.conv_transpose2d(gradient, self._layers[index].weight)
        if gradient is None:
            raise ValueError("no map was compared")
        return gradient


def _added(total: Tensor | None, term: Tensor | None) -> Tensor | None:
    """The sum of what is there."""
    if total is None or term is None:
        return term if total is None else total
    return total.add_(term)
