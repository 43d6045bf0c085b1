"""Restoring pictures with any network, in tiles, so that memory does not grow with the picture.

A tile is cut with a margin of `overlap` pixels on every inner side, and only its middle is kept. Where the margin
is at least as wide as what the network sees beyond a pixel (20 px for a DnCNN of 20 layers), the result is that of
the whole picture at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .data import Skipped
from .distortions.resample import resize
from .files import refuse_overwrite
from .images import IMAGE_SUFFIXES, Picture, find_images, read_picture, write_picture

__all__ = ["RestoreResult", "Tiling", "plan_outputs", "restore_files", "restore_image", "restore_picture"]

Model = Callable[[Tensor], Tensor]
"""Maps (N, C, H, W) to (N, C, upscale·H, upscale·W), both in [0, 1]."""


@dataclass(frozen=True)
class Tiling:
    """How a picture is cut.

    Args:
        tile: Side of what the network sees at once, margins included, px of the input.
        overlap: Margin on each inner side, px of the input.

    Raises:
        ValueError: A negative margin, or nothing of the tile would be left between its margins.
    """

    tile: int = 512
    overlap: int = 32

    def __post_init__(self) -> None:
        if self.overlap < 0:
            raise ValueError(f"overlap must be at least 0 px, got {self.overlap}")
        if self.tile <= 2 * self.overlap:
            raise ValueError(f"tile must be larger than two overlaps, got tile {self.tile} and overlap {self.overlap}")

    @property
    def step(self) -> int:
        """Distance between tiles: what is kept of an inner one, px of the input."""
        return self.tile - 2 * self.overlap


@dataclass(frozen=True)
class RestoreResult:
    """What became of a list of files.

    Args:
        written: Restored files.
        skipped: Files that could not be read or written, and why.
    """

    written: list[Path] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


class _Span(NamedTuple):
    """One tile along one axis: [start, stop) is what is kept, [low, high) what the network sees."""

    start: int
    stop: int
    low: int
    high: int


def _spans(size: int, tiling: Tiling) -> Iterator[_Span]:
    if size <= tiling.tile:
        yield _Span(0, size, 0, size)
        return
    for start in range(0, size, tiling.step):
        stop = min(start + tiling.step, size)
        yield _Span(start, stop, max(0, start - tiling.overlap), min(size, stop + tiling.overlap))


@torch.inference_mode()
def restore_image(
    model: Model,
    image: Tensor,
    *,
    upscale: int = 1,
    tiling: Tiling = Tiling(),
    device: torch.device | str = "cpu",
) -> Tensor:
    """Restore a batch of images of any size.

    Args:
        model: The network, on `device`.
        image: (N, C, H, W) in [0, 1], on the CPU.
        upscale: Factor by which the model's output is larger.
        tiling: How to cut.
        device: Where the model is.

    Returns:
        (N, C, upscale·H, upscale·W) in [0, 1], float32, on the CPU.

    Raises:
        ValueError: The model's output has another size or channels than promised.
    """
    count, channels, height, width = image.shape
    restored = torch.empty(count, channels, upscale * height, upscale * width)
    for rows in _spans(height, tiling):
        for columns in _spans(width, tiling):
            seen = image[:, :, rows.low : rows.high, columns.low : columns.high]
            output = model(seen.to(device)).float().cpu()
            wanted = (count, channels, upscale * seen.shape[2], upscale * seen.shape[3])
            if tuple(output.shape) != wanted:
                raise ValueError(
                    f"the network made {tuple(output.shape)} of {tuple(seen.shape)}, expected {wanted}: "
                    f"is its upscale {upscale}?"
                )
            kept = output[
                :,
                :,
                upscale * (rows.start - rows.low) : upscale * (rows.stop - rows.low),
                upscale * (columns.start - columns.low) : upscale * (columns.stop - columns.low),
            ]
            target = restored[:, :, upscale * rows.start : upscale * rows.stop]
            target[..., upscale * columns.start : upscale * columns.stop] = kept
    return restored.clamp_(0, 1)


def restore_picture(
    model: Model,
    picture: Picture,
    *,
    in_channels: int = 3,
    upscale: int = 1,
    tiling: Tiling = Tiling(),
    device: torch.device | str = "cpu",
) -> Picture:
    """Restore a picture, keeping its kind: gray stays gray, 16 bit stay 16 bit, alpha and colour profile come along.

    A gray picture goes through a colour network three times over, and the mean is kept; a colour picture goes
    through a gray network channel by channel. Alpha is not restored, only enlarged with the picture.

    Args:
        model: The network, on `device`.
        picture: What to restore.
        in_channels: Channels of the network, 3 or 1.
        upscale: Factor by which its output is larger.
        tiling: How to cut.
        device: Where the model is.
    """
    image = picture.image
    channels = image.shape[1]
    if channels < in_channels:
        fed = image.expand(-1, in_channels, -1, -1)
    else:
        fed = image.reshape(-1, in_channels, *image.shape[2:])
    restored = restore_image(model, fed, upscale=upscale, tiling=tiling, device=device)
    if channels < in_channels:
        restored = restored.mean(1, keepdim=True)
    restored = restored.reshape(1, channels, *restored.shape[2:])
    alpha = picture.alpha
    if alpha is not None and upscale > 1:
        alpha = resize(alpha, (restored.shape[2], restored.shape[3])).clamp(0, 1)
    return Picture(restored, alpha, picture.bit_depth, picture.profile)


def plan_outputs(inputs: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> dict[Path, Path]:
    """Which file becomes which.

    Args:
        inputs: Files and folders of pictures.
        output: An image file where the input is one file, else a folder, in which the pictures keep their names and
            their places below an input folder.

    Returns:
        Input file → output file, in order.

    Raises:
        FileNotFoundError: An input does not exist.
        ImageFileError: An input folder has no picture.
        ValueError: Two inputs would become one file, an output would replace an input, a folder is to become
            a file, or a file stands where a folder would have to be.
    """
    output = Path(output)
    if output.suffix.lower() in IMAGE_SUFFIXES and not output.is_dir():
        if len(inputs) != 1 or Path(inputs[0]).is_dir():
            raise ValueError(f"{output} is one picture, but {len(inputs)} inputs were given: name a folder")
        plan = {Path(inputs[0]): output}
        find_images(list(plan))
    else:
        plan = {}
        for path in map(Path, inputs):
            root = path if path.is_dir() else path.parent
            plan |= {file: output / file.relative_to(root) for file in find_images(path)}
    for folder in {parent for target in plan.values() for parent in target.parents}:
        if folder.is_file():
            raise ValueError(f"{folder} is a file, so nothing can be written into it: name a folder")
    taken = {source.resolve(): source for source in plan}
    for source, target in plan.items():
        place = target.resolve()
        if place in taken:
            raise ValueError(f"{source} would be written to {target}, the place of {taken[place]}: name another folder")
        taken[place] = source
    return plan


def restore_files(
    model: Model,
    plan: dict[Path, Path],
    *,
    in_channels: int = 3,
    upscale: int = 1,
    tiling: Tiling = Tiling(),
    device: torch.device | str = "cpu",
    force: bool = False,
    progress: Callable[[Path], None] = lambda _: None,
) -> RestoreResult:
    """Restore files; one that is broken does not stop the others.

    Args:
        model: The network, on `device`.
        plan: Input file → output file, from `plan_outputs`.
        in_channels: Channels of the network.
        upscale: Factor by which its output is larger.
        tiling: How to cut.
        device: Where the model is.
        force: Replace existing outputs.
        progress: Called with each input that is done.

    Raises:
        FileExistsError: An output exists and `force` is False; nothing has been written then.
    """
    for target in plan.values():
        refuse_overwrite(target, force=force)
    result = RestoreResult()
    for source, target in plan.items():
        try:
            picture = read_picture(source)
            restored = restore_picture(
                model, picture, in_channels=in_channels, upscale=upscale, tiling=tiling, device=device
            )
            write_picture(target, restored, force=force)
            result.written.append(target)
        except (OSError, RuntimeError, ValueError) as error:  # of the file, of the network, or of what it made
            result.skipped.append(Skipped(source, str(error)))
        progress(source)
    return result
