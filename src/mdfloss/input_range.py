"""The values that discriminators and generators work on, and the border that pictures get for them."""

from __future__ import annotations

from torch import Tensor

__all__ = ["FITTED_RANGE", "PADDING", "from_input_range", "to_input_range"]

FITTED_RANGE = (-1.0, 1.0)
"""Values of black and white in a fit; distortions act on [0, 1]."""

PADDING = 5
"""Pixels mirrored at each border, so that the outermost ones weigh as much as the rest."""


def to_input_range(image: Tensor, input_range: tuple[float, float] = FITTED_RANGE) -> Tensor:
    """Map [0, 1] to the values that networks were trained on.

    Args:
        image: (N, C, H, W) in [0, 1].
        input_range: Values of black and of white.
    """
    low, high = input_range
    return image * (high - low) + low


def from_input_range(image: Tensor, input_range: tuple[float, float] = FITTED_RANGE) -> Tensor:
    """Map the values that networks were trained on to [0, 1].

    Args:
        image: (N, C, H, W).
        input_range: Values of black and of white.
    """
    low, high = input_range
    return (image - low) / (high - low)
