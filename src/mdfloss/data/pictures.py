"""Sets of pictures, as integers: the usable ones of a folder, decoded once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from mdfloss.image_files import decode
from mdfloss.images import LUMA, ImageFileError, find_images, picture_name

__all__ = ["ImageSet", "PictureSet", "Skipped", "evenly_spread", "picture_levels"]

CACHE_BYTES = 4 * 2**30
"""Decoded pictures are kept in memory up to this size; the rest are read again for each patch."""


class Skipped(NamedTuple):
    """A file that cannot be used.

    Attributes:
        path: The file.
        reason: Why not, in words.
    """

    path: Path
    reason: str


class PictureSet(Protocol):
    """Pictures by number, wherever they are kept."""

    @property
    def skipped(self) -> list[Skipped]:
        """Pictures left out, and why."""

    def __len__(self) -> int: ...

    def levels(self, index: int) -> Tensor:
        """One picture as the integers of its file, (C, H, W), uint8 or uint16."""


def evenly_spread(total: int, count: int | None) -> list[int]:
    """Indices of at most `count` of so many pictures, first and last among them; of all where it is None."""
    chosen = np.unique(np.linspace(0, total - 1, min(count or total, total)).round().astype(int))
    indices: list[int] = chosen.tolist()
    return indices


def picture_levels(path: str | os.PathLike[str], *, channels: int) -> Tensor:
    """Decode a picture to integers.

    Args:
        path: An image file.
        channels: 3 for colour (gray is repeated), 1 for gray (colour is averaged by BT.601's luma).

    Returns:
        (C, H, W), uint8, or uint16 where the file has 16 bit.

    Raises:
        FileNotFoundError: There is no such file.
        ImageFileError: The file is damaged, or of a kind that is not supported.
    """
    samples = decode(path)
    colours = samples[..., : 3 if samples.shape[2] > 2 else 1].transpose(2, 0, 1)
    if len(colours) == channels:
        return torch.from_numpy(colours.copy())
    if channels == 3:
        return torch.from_numpy(colours.repeat(3, axis=0))
    white = np.iinfo(samples.dtype).max
    image = torch.from_numpy(colours.astype(np.float32)).div_(white)
    luma = (image * image.new_tensor(LUMA).view(3, 1, 1)).sum(0, keepdim=True)
    return (luma * white).round().to(torch.uint8 if white == 255 else torch.uint16)


class ImageSet:
    """The usable pictures of some files and folders, decoded once and kept as integers.

    Args:
        paths: Folders and files.
        channels: 3 for colour (gray is repeated), 1 for gray (colour is averaged by BT.601's luma).
        min_size: Smallest side in px; smaller pictures are skipped.
        cache_bytes: Memory for decoded pictures; those beyond it are read again at each use.

    Attributes:
        paths: Files in use, sorted.
        sizes: Height and width of each, px.
        skipped: Files left out, and why.

    Raises:
        FileNotFoundError: A path does not exist.
        ImageFileError: No picture is usable.
    """

    def __init__(
        self,
        paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        channels: int = 3,
        min_size: int = 1,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.channels = channels
        given = [paths] if isinstance(paths, (str, os.PathLike)) else paths
        self._folders = [folder for folder in map(Path, given) if folder.is_dir()]
        self.paths: list[Path] = []
        self.sizes: list[tuple[int, int]] = []
        self.skipped: list[Skipped] = []
        self._levels: list[Tensor | None] = []
        room = cache_bytes
        files = find_images(paths)
        with ThreadPoolExecutor(max_workers=4) as pool:
            for path, found in zip(files, pool.map(lambda p: self._try(p, min_size), files), strict=True):
                if isinstance(found, str):
                    self.skipped.append(Skipped(path, found))
                    continue
                self.paths.append(path)
                self.sizes.append((found.shape[1], found.shape[2]))
                room -= found.nbytes
                self._levels.append(found if room >= 0 else None)
        if not self.paths:
            first = self.skipped[0]
            raise ImageFileError(
                f"{paths} has no usable picture among {len(files)}; the first, {first.path}: {first.reason}"
            )

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def names(self) -> list[str]:
        """The name of each of `paths`."""
        return [self.name_of(path) for path in self.paths]

    def name_of(self, path: Path) -> str:
        """What a file has in common with its partner elsewhere: its path below the folder given, without suffix."""
        folder = next((folder for folder in self._folders if path.is_relative_to(folder)), path.parent)
        return picture_name(path, folder)

    def levels(self, index: int) -> Tensor:
        """One picture as the integers of its file, (C, H, W), uint8 or uint16."""
        cached = self._levels[index]
        return picture_levels(self.paths[index], channels=self.channels) if cached is None else cached

    def leave_out(self, reasons: Mapping[Path, str]) -> None:
        """Move pictures to those skipped.

        Args:
            reasons: File → why it cannot be used.
        """
        kept = [index for index, path in enumerate(self.paths) if path not in reasons]
        self.skipped += [Skipped(path, reasons[path]) for path in self.paths if path in reasons]
        self.paths = [self.paths[index] for index in kept]
        self.sizes = [self.sizes[index] for index in kept]
        self._levels = [self._levels[index] for index in kept]

    def _try(self, path: Path, min_size: int) -> Tensor | str:
        """The picture, or why it cannot be used."""
        try:
            levels = picture_levels(path, channels=self.channels)
        except ImageFileError as error:
            return str(error)
        height, width = levels.shape[1:]
        if min(height, width) < min_size:
            return f"{height}×{width} px, smaller than the {min_size} px asked for"
        return levels
