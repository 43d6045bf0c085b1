"""A strength that is fixed or drawn from a range, once for each image of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["Strength", "checked_strength", "draw", "draw_whole", "highest"]

Strength = float | tuple[float, float]
"""One value, or the lowest and the highest of a uniform distribution."""


def checked_strength(
    name: str,
    strength: Any,
    *,
    low: float = 0.0,
    high: float = math.inf,
    unit: str = "",
    integer: bool = False,
) -> Any:
    """Check a strength, and turn a list of two (as JSON, YAML and the command line give it) into a tuple.

    Args:
        name: Name of the parameter, for the messages.
        strength: A number, or a pair of numbers (lowest, highest).
        low: Smallest allowed value.
        high: Largest allowed value.
        unit: Unit, for the messages.
        integer: Whether only whole numbers are allowed.

    Raises:
        TypeError: Not a number or a pair of numbers.
        ValueError: Outside [low, high], not finite, or lowest above highest.
    """
    is_pair = isinstance(strength, Sequence) and not isinstance(strength, str)
    values = tuple(strength) if is_pair else (strength,)
    kind: Any = int if integer else (int, float)
    if len(values) not in (1, 2) or any(isinstance(v, bool) or not isinstance(v, kind) for v in values):
        number = "whole number" if integer else "number"
        raise TypeError(f"{name} must be a {number} or a pair (lowest, highest), got {strength!r}")
    if any(not math.isfinite(value) or not low <= value <= high for value in values):
        limits = f"at least {low:g}" if math.isinf(high) else f"within {low:g} to {high:g}"
        raise ValueError(f"{name} must be {limits}{unit and f' {unit}'}, got {strength!r}")
    if values[0] > values[-1]:
        raise ValueError(f"{name} must be (lowest, highest), got {strength!r}: swap the two")
    return values if is_pair else strength


def draw(strength: Strength, count: int, generator: torch.Generator) -> Tensor:
    """Draw one strength for each image, uniformly.

    A fixed strength takes nothing from the generator.

    Args:
        strength: As `checked_strength` returns it.
        count: Number of images N.
        generator: Source of randomness.

    Returns:
        (N,) float32 on the generator's device.
    """
    device = generator.device
    if not isinstance(strength, tuple):
        return torch.full((count,), float(strength), device=device)
    low, high = strength[0], strength[-1]
    return low + (high - low) * torch.rand(count, generator=generator, device=device)


def draw_whole(strength: int | tuple[int, int], count: int, generator: torch.Generator) -> list[int]:
    """Draw one whole number for each image, uniformly, both ends included.

    A fixed strength takes nothing from the generator.

    Args:
        strength: As `checked_strength` with `integer=True` returns it.
        count: Number of images N.
        generator: Source of randomness.
    """
    if not isinstance(strength, tuple):
        return [strength] * count
    low, high = strength[0], strength[-1]
    drawn = torch.randint(low, high + 1, (count,), generator=generator, device=generator.device)
    return [int(value) for value in drawn.tolist()]


def highest(strength: Strength) -> float:
    """The largest value that can be drawn."""
    return float(strength[-1] if isinstance(strength, tuple) else strength)
