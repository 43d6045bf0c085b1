"""Training data: sets of pictures become aligned pairs of patches, each a pure function of (seed, index).

A sample is never the state of an iterator. Sample i is cut, turned and distorted with a generator that is made
from the seed and i alone; so a resumed run sees the batches that it would have seen, and devices share a batch
without talking to each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mdfloss.distortions.protocol import Distortion

from .pictures import PictureSet, evenly_spread

__all__ = [
    "Pair",
    "PatchDataset",
    "StepSampler",
    "crop_side",
    "cut",
    "draw_place",
    "fixed_pairs",
    "sample_generator",
    "turned",
]

VALIDATION_MULTIPLE = 24
"""Validation crops have sides that every usual factor of super-resolution divides."""

_PATCH_STREAM, _ORDER_STREAM, _VALIDATION_STREAM = range(3)


class Pair(NamedTuple):
    """A distorted image and its clean original.

    Attributes:
        distorted: (C, H, W) or a batch of them; not clipped.
        clean: (C, upscale·H, upscale·W) or a batch, in [0, 1].
    """

    distorted: Tensor
    clean: Tensor


def sample_generator(seed: int, stream: int, index: int) -> torch.Generator:
    """A generator that depends on these three numbers alone.

    Args:
        seed: The run's seed, at least 0.
        stream: Keeps uses of the same index apart: patches, their order, validation.
        index: Number of the sample, at least 0.
    """
    state = np.random.SeedSequence((seed, stream, index)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state))


class PatchDataset(Dataset[Pair]):
    """Random patches of an image set, turned, mirrored and distorted; sample i is always the same.

    Each picture gives one patch in every pass over the set; the order is drawn anew for each pass.

    Args:
        images: Clean pictures, each side at least `patch_size`.
        distortion: Makes the distorted image from the clean one; without one both are the same.
        patch_size: Side of the clean patch in px.
        seed: With the index, decides everything random.
    """

    def __init__(self, images: PictureSet, distortion: Distortion | None, *, patch_size: int, seed: int) -> None:
        self.images = images
        self.distortion = distortion
        self.patch_size = patch_size
        self.seed = seed
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def __getitem__(self, index: int) -> Pair:
        """Sample number `index`, any number from 0 on."""
        generator = self.generator_of(index)
        levels = self.images.levels(self.picture_of(index))
        top, left, turn = draw_place(levels, self.patch_size, generator)
        clean = cut(levels, top, left, self.patch_size, self.patch_size)
        clean = turned(clean, turn)
        distorted = clean if self.distortion is None else self.distortion(clean[None], generator)[0]
        return Pair(distorted, clean)

    def generator_of(self, index: int) -> torch.Generator:
        """All randomness of sample number `index`."""
        return sample_generator(self.seed, _PATCH_STREAM, index)

    def picture_of(self, index: int) -> int:
        """The picture from which sample number `index` is cut."""
        count = len(self.images)
        epoch = index // count
        if self._order[0] != epoch:
            generator = sample_generator(self.seed, _ORDER_STREAM, epoch)
            self._order = (epoch, torch.randperm(count, generator=generator))
        return int(self._order[1][index % count])


class StepSampler(Sampler[list[int]]):
    """The sample numbers of each step: step s has the samples from s·batch_size on, shared out among ranks.

    Args:
        start: First step.
        stop: Step before which to end.
        batch_size: Samples a step, over all ranks.
        rank: Which share to give.
        num_ranks: Shares; must divide `batch_size`.

    Raises:
        ValueError: `num_ranks` does not divide `batch_size`.
    """

    def __init__(self, start: int, stop: int, *, batch_size: int, rank: int = 0, num_ranks: int = 1) -> None:
        if batch_size % num_ranks:
            raise ValueError(f"batch_size counts all devices: {batch_size} cannot be shared by {num_ranks}")
        self.steps = range(start, stop)
        self.batch_size = batch_size
        self.share = batch_size // num_ranks
        self.rank = rank

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            first = step * self.batch_size + self.rank * self.share
            yield list(range(first, first + self.share))


def fixed_pairs(images: PictureSet, distortion: Distortion, *, count: int, size: int, seed: int) -> list[Pair]:
    """Validation pairs: centre crops with a distortion that never changes.

    Args:
        images: Clean pictures.
        distortion: Makes the distorted image from the clean one.
        count: At most this many, spread evenly over the set.
        size: Largest side of a crop in px; rounded down to a multiple of 24 where the picture allows.
        seed: Decides the draws of the distortion.

    Returns:
        Pairs of batches of one, (1, C, H, W).
    """
    pairs = []
    for index in evenly_spread(len(images), count):
        levels = images.levels(index)
        height, width = (crop_side(side, size) for side in levels.shape[1:])
        top, left = (levels.shape[1] - height) // 2, (levels.shape[2] - width) // 2
        clean = cut(levels, top, left, height, width)[None]
        pairs.append(Pair(distortion(clean, sample_generator(seed, _VALIDATION_STREAM, index)), clean))
    return pairs


def crop_side(side: int, size: int) -> int:
    """Side of a validation crop: a multiple of 24 where the picture allows.

    Args:
        side: Of the picture, px.
        size: Largest side of the crop, px.
    """
    wanted = min(side, size)
    return wanted - wanted % VALIDATION_MULTIPLE if wanted >= VALIDATION_MULTIPLE else wanted


def draw_place(levels: Tensor, size: int, generator: torch.Generator) -> tuple[int, int, int]:
    """Draw where a square patch lies and how it is turned, uniformly.

    Args:
        levels: The picture, (C, H, W).
        size: Side of the patch, px.
        generator: Source of the draw.

    Returns:
        Top, left, and one of the eight turns.
    """
    numbers = torch.randint(2**31, (3,), generator=generator)
    height, width = levels.shape[1:]
    limits = torch.tensor([height - size + 1, width - size + 1, 8])
    top, left, turn = (numbers % limits).tolist()
    return top, left, turn


def cut(levels: Tensor, top: int, left: int, height: int, width: int) -> Tensor:
    """A crop as float32 in [0, 1].

    Args:
        levels: The picture, (C, H, W), uint8 or uint16.
        top: First row.
        left: First column.
        height: Of the crop, px.
        width: Of the crop, px.
    """
    white = 255.0 if levels.dtype == torch.uint8 else 65535.0
    return levels[:, top : top + height, left : left + width].float().div_(white)


def turned(image: Tensor, turn: int) -> Tensor:
    """One of the eight ways to lay a square.

    Args:
        image: (C, H, W).
        turn: Quarter turns, 0 to 3; plus 4 if mirrored.
    """
    if turn >= 4:
        image = image.flip(2)
    return torch.rot90(image, turn % 4, (1, 2)).contiguous()
