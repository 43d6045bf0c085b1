"""What the discriminators see of two images: their range of values, mirrored borders, and in a pyramid their scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .bank import RECEPTIVE_FIELD, DiscriminatorBank
from .definitions import Definition
from .distortions.resample import resize
from .images import check_images
from .input_range import PADDING, to_input_range

__all__ = ["View", "seen_image", "seen_scales", "views"]


class View(NamedTuple):
    """A prediction and its target, and the scales whose discriminators see them so."""

    scales: tuple[int, ...]
    pred: Tensor
    target: Tensor


def views(
    pred: Tensor,
    target: Tensor,
    bank: DiscriminatorBank,
    definition: Definition,
    *,
    data_range: float,
    scales: Iterable[int] | None = None,
) -> Iterator[View]:
    """A pair as the discriminators see it, the target without a graph.

    Args:
        pred: (N, C, H, W), C = 3 or 1.
        target: Same shape, within [0, data_range].
        bank: The discriminators.
        definition: Says what they are shown.
        data_range: Value of white.
        scales: Which discriminators; those of `seen_scales` by default.

    Raises:
        ValueError: A tensor breaks the contract of `check_images`, or is under 11 px a side.
    """
    check_images(pred, target, data_range=data_range, min_size=RECEPTIVE_FIELD)
    wanted = tuple(seen_scales(pred, bank, definition) if scales is None else scales)
    for group in [(scale,) for scale in wanted] if definition.pyramid else [wanted]:
        pair = (seen_image(x, bank, definition, group[0], data_range=data_range) for x in (pred, target.detach()))
        yield View(group, *pair)


def seen_scales(image: Tensor, bank: DiscriminatorBank, definition: Definition) -> tuple[int, ...]:
    """The scales that a definition compares: all, or in a pyramid those that leave the image 11 px a side.

    Args:
        image: (N, C, H, W).
        bank: The discriminators.
        definition: Says what they are shown.

    Raises:
        ValueError: The image is too small for every scale of the bank.
    """
    scales = range(len(bank))
    if definition.pyramid:
        fitting = tuple(scale for scale in scales if min(_side(image, bank, scale)) >= RECEPTIVE_FIELD)
        if not fitting:
            height, width = image.shape[2:]
            raise ValueError(f"images of {height}×{width} px are too small for the bank's scales, reduced to them")
        return fitting
    return tuple(scales)


def seen_image(
    image: Tensor, bank: DiscriminatorBank, definition: Definition, scale: int, *, data_range: float
) -> Tensor:
    """An image as one discriminator sees it, (N, 3, H', W'), float32 or float64.

    Args:
        image: (N, C, H, W) in [0, data_range].
        bank: The discriminators.
        definition: Says what they are shown.
        scale: Which of them, 0 = coarsest.
        data_range: Value of white.
    """
    image = image.to(torch.promote_types(image.dtype, torch.float32)) / data_range
    if definition.pyramid:
        image = _reduced(image, _side(image, bank, scale))
    image = image.expand(-1, 3, -1, -1)
    if definition.scaled:
        image = to_input_range(image, bank.card.input_range)
    return nn.functional.pad(image, [PADDING] * 4, mode="reflect") if definition.padded else image


def _side(image: Tensor, bank: DiscriminatorBank, scale: int) -> tuple[int, int]:
    """Height and width at a scale."""
    if bank.reductions is None:
        raise ValueError("the bank's card does not say the ratio of its scales (rho)")
    height, width = (round(side / bank.reductions[scale]) for side in image.shape[2:])
    return height, width


def _reduced(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The image with another number of pixels, bicubic and antialiased."""
    if tuple(image.shape[2:]) == size:
        return image
    if torch.compiler.is_compiling():  # the same filter; PyTorch's gradient is not deterministic on CUDA
        return nn.functional.interpolate(image, size, mode="bicubic", antialias=True)
    return resize(image, size, kernel="bicubic")
