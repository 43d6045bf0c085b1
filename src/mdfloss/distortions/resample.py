"""Resampling: the one antialiased resizer, and the distortion of super-resolution.

Kernels and windows are those of Pillow's `Image.resize` on float images (MATLAB's `imresize` differs at the
borders, which it mirrors): the kernel is stretched by the factor of reduction, cut at the border, normalised.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from mdfloss.sizes import size_text

from .protocol import NamedDistortion

__all__ = ["KERNELS", "Downscale", "resize"]

Kernel = Literal["bicubic", "lanczos"]

_ROWS_AT_ONCE = 128
"""Output rows of one matrix product: a row needs only the input rows near it, so large images go in bands."""


def resize(image: Tensor, size: tuple[int, int], *, kernel: Kernel = "lanczos") -> Tensor:
    """Resize images with antialiasing.

    Args:
        image: (N, C, H, W) float.
        size: New height and width, px.
        kernel: "lanczos" (radius 3) or "bicubic" (a = -0.5).

    Returns:
        (N, C, *size); not clipped, so that it may overshoot the range of `image` at edges. Differentiable.

    Raises:
        ValueError: `kernel` or `size` is unknown or impossible, or `image` is not 4-D.
        TypeError: `image` is not floating point.
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {tuple(KERNELS)}, got {kernel!r}")
    if image.ndim != 4:
        raise ValueError(f"image must be N×C×H×W, got shape {tuple(image.shape)}")
    if not image.is_floating_point():
        raise TypeError(f"image must be floating point, got {image.dtype}: divide 8-bit values by 255")
    if min(size) < 1 or min(image.shape[2:]) < 1:
        raise ValueError(f"sizes must be at least 1 px, got {tuple(image.shape[2:])} to {tuple(size)}")
    narrowed = _resize_rows(image.mT, size[1], kernel).mT
    return _resize_rows(narrowed, size[0], kernel).contiguous()


def _resize_rows(image: Tensor, rows: int, kernel: Kernel) -> Tensor:
    """Resize the last but one dimension of `image` to `rows`."""
    if image.shape[-2] == rows:
        return image
    bands = [
        band @ image[..., start : start + band.shape[1], :]
        for start, band in _bands(image.shape[-2], rows, kernel, image.dtype, image.device)
    ]
    return bands[0] if len(bands) == 1 else torch.cat(bands, -2)


@functools.lru_cache(maxsize=256)
def _bands(
    rows_in: int, rows_out: int, kernel: Kernel, dtype: torch.dtype, device: torch.device
) -> tuple[tuple[int, Tensor], ...]:
    """The resizing matrix in bands of rows: (first input row, matrix of output rows × input rows)."""
    function, radius = KERNELS[kernel]
    scale = rows_in / rows_out
    stretch = max(scale, 1.0)
    support = radius * stretch
    centres = (torch.arange(rows_out, dtype=torch.float64) + 0.5) * scale
    first = (centres - support + 0.5).floor().clamp_min(0)
    last = (centres + support + 0.5).floor().clamp_max(rows_in)
    bands = []
    for row in range(0, rows_out, _ROWS_AT_ONCE):
        part = slice(row, row + _ROWS_AT_ONCE)
        start, stop = int(first[part].min()), int(last[part].max())
        columns = torch.arange(start, stop, dtype=torch.float64)
        weights = function((columns + 0.5 - centres[part, None]) / stretch)
        weights[(columns < first[part, None]) | (columns >= last[part, None])] = 0
        bands.append((start, (weights / weights.sum(1, keepdim=True)).to(device, dtype)))
    return tuple(bands)


def _bicubic(x: Tensor) -> Tensor:
    x = x.abs()
    near = (1.5 * x - 2.5) * x**2 + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < 3, torch.sinc(x) * torch.sinc(x / 3), torch.zeros_like(x))


KERNELS: dict[Kernel, tuple[Callable[[Tensor], Tensor], int]] = {
    "bicubic": (_bicubic, 2),
    "lanczos": (_lanczos, 3),
}
"""Name → (function, radius in px)."""


@dataclass(frozen=True)
class Downscale(NamedDistortion):
    """Reduce images by a whole factor with the antialiased bicubic kernel, as super-resolution does.

    The result is clipped to [0, 1], as it would be in a file. It takes nothing from the generator.

    Args:
        factor: How many times smaller the result is on each side, at least 1.

    Raises:
        TypeError: `factor` is not a whole number.
        ValueError: `factor` is below 1.
    """

    factor: int = 4

    def __post_init__(self) -> None:
        if not isinstance(self.factor, int) or isinstance(self.factor, bool):
            raise TypeError(f"factor must be a whole number, got {self.factor!r}")
        if self.factor < 1:
            raise ValueError(f"factor must be at least 1, got {self.factor}")

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002  Distortion's signature
        """Reduce a batch.

        Args:
            image: (N, C, H, W) float in [0, 1], H and W multiples of `factor`.
            generator: Not used.

        Returns:
            (N, C, H / factor, W / factor) in [0, 1].

        Raises:
            ValueError: H or W is no multiple of `factor`.
        """
        height, width = image.shape[2:]
        if height % self.factor or width % self.factor:
            fit = height - height % self.factor, width - width % self.factor
            raise ValueError(
                f"image is {size_text(image.shape)}, no multiple of the factor {self.factor}: "
                f"crop it to {size_text(fit)}"
            )
        small = (height // self.factor, width // self.factor)
        return resize(image, small, kernel="bicubic").clamp(0, 1)
