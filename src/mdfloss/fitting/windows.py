"""Windows of a pyramid level: where crops lie, what they need around them, and how they are cut and upsampled.

A window always lies inside its level. Cutting through a wider window yields zeros outside the level, which is
the zero padding of the generators; upsampling continues the border of a level outwards. With that, computing a
network on a window gives exactly what computing it on the whole level and cutting would.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .pyramid import Size

__all__ = ["Window", "cut", "grow", "random_windows", "source_window", "upsample"]


class Window(NamedTuple):
    """One window for each image of a batch, all of one size.

    Attributes:
        top: First rows, (N,) integers.
        left: First columns, (N,) integers.
        size: Height and width of every window.
    """

    top: Tensor
    left: Tensor
    size: Size

    @property
    def rows(self) -> Tensor:
        """Row numbers of the windows, (N, height)."""
        return self.top[:, None] + torch.arange(self.size[0], device=self.top.device)

    @property
    def columns(self) -> Tensor:
        """Column numbers of the windows, (N, width)."""
        return self.left[:, None] + torch.arange(self.size[1], device=self.left.device)


def random_windows(level: Size, *, crop_size: int, batch_size: int, generator: torch.Generator) -> Window:
    """Windows at random places; a side of the level that is shorter than the crop is taken whole.

    Args:
        level: Size of the level.
        crop_size: Side of the crop in pixels.
        batch_size: N.
        generator: Source of the places.
    """
    size = (min(crop_size, level[0]), min(crop_size, level[1]))
    top, left = (
        torch.randint(whole - part + 1, (batch_size,), generator=generator, device=generator.device)
        for whole, part in zip(level, size, strict=True)
    )
    return Window(top, left, size)


def _inside(window: Window, level: Size) -> Window:
    """A window no larger than the level, shifted so that it covers all that `window` covers of it."""
    height, width = min(window.size[0], level[0]), min(window.size[1], level[1])
    top, left = window.top.clamp(0, level[0] - height), window.left.clamp(0, level[1] - width)
    return Window(top, left, (height, width))


def grow(window: Window, margin: int, *, level: Size | None) -> Window:
    """The window with a margin on every side.

    Args:
        window: Windows to grow.
        margin: Pixels on each side.
        level: Size of the level to stay inside; None to reach beyond it.
    """
    size = (window.size[0] + 2 * margin, window.size[1] + 2 * margin)
    grown = Window(window.top - margin, window.left - margin, size)
    return grown if level is None else _inside(grown, level)


def cut(image: Tensor, window: Window, *, origin: Window | None = None) -> Tensor:
    """Cut windows out of images; what lies outside an image is zero.

    Args:
        image: (1, C, H, W), the same for all windows, or (N, C, H, W).
        window: N windows, in coordinates of the level.
        origin: Where the images lie in the level; None where each is the whole level.

    Returns:
        (N, C, height, width).
    """
    rows = window.rows - (0 if origin is None else origin.top[:, None])
    columns = window.columns - (0 if origin is None else origin.left[:, None])
    height, width = image.shape[-2:]
    seen = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None, :]
    index = torch.arange(len(rows), device=rows.device) if image.shape[0] > 1 else torch.zeros_like(window.top)
    taken = image[
        index[:, None, None], :, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]
    ]
    return (taken * seen[..., None]).permute(0, 3, 1, 2).contiguous()


def source_window(window: Window, *, level: Size, source_level: Size) -> Window:
    """The window of the coarser level that `upsample` needs for a window of the finer one.

    Args:
        window: Windows of the finer level.
        level: Size of the finer level.
        source_level: Size of the coarser level.
    """
    starts, lengths = [], []
    for start, length, fine, coarse in zip(window[:2], window.size, level, source_level, strict=True):
        first = (start.double() + 0.5) * (coarse / fine) - 0.5
        starts.append(first.floor().long() - 1)
        lengths.append(math.ceil((length - 1) * coarse / fine) + 5)  # bicubic reads one row before and two after
    return _inside(Window(starts[0], starts[1], (lengths[0], lengths[1])), source_level)


def upsample(source: Tensor, window: Window, *, origin: Window, level: Size, source_level: Size) -> Tensor:
    """Bicubic upsampling of a coarser level, computed on windows of the finer one only.

    Args:
        source: (N, C, h, w), windows of the coarser level.
        window: Windows of the finer level, N of them.
        origin: Where `source` lies; covers what `source_window` says.
        level: Size of the finer level.
        source_level: Size of the coarser level.

    Returns:
        (N, C, height, width).
    """
    places = []
    axes = zip((window.rows, window.columns), origin[:2], level, source_level, origin.size, strict=True)
    for position, start, fine, coarse, length in axes:
        place = (position.double() + 0.5) * (coarse / fine) - start[:, None]
        places.append((2 * place / length - 1).to(source.dtype))
    y = places[0][:, :, None].expand(-1, -1, window.size[1])
    x = places[1][:, None, :].expand(-1, window.size[0], -1)
    grid = torch.stack([x, y], dim=-1)
    return nn.functional.grid_sample(source, grid, mode="bicubic", padding_mode="border", align_corners=False)
