"""How the size of a picture is written in messages: height first, as in the shape of a tensor."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["size_text"]


def size_text(size: Sequence[int]) -> str:
    """A size as it is written.

    Args:
        size: Height and width, or a shape that ends in them.

    Returns:
        Height × width, px.

    Examples:
        >>> size_text((1, 3, 480, 640))
        '480×640 px'
    """
    height, width = size[-2:]
    return f"{height}×{width} px"
