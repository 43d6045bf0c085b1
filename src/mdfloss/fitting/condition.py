"""What a fitted bank is whitened on: patches of the seeds, before and after the task's distortion."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from mdfloss.input_range import from_input_range, to_input_range

from .chain import Degradation
from .windows import cut, random_windows

__all__ = ["conditioning_pairs"]

NUM_PATCHES = 16
PATCH_SIZE = 96


def conditioning_pairs(seeds: Sequence[Tensor], degradation: Degradation, *, random_seed: int) -> tuple[Tensor, Tensor]:
    """Draw clean patches of the seeds and distort them.

    Args:
        seeds: Images, each (1, 3, H, W) in [0, 1].
        degradation: The task's distortion.
        random_seed: Start of the random numbers for places and strengths.

    Returns:
        Clean and distorted patches, two (N, 3, h, w) batches in [0, 1] on the CPU; noise is not clipped.

    Raises:
        ValueError: A seed is not within [0, 1], or the distortion changes nothing.
    """
    for seed in seeds:
        lowest, highest = (value.item() for value in seed.aminmax())
        if not (lowest >= 0 and highest <= 1):
            raise ValueError(f"seeds must be within [0, 1], got {lowest:g} to {highest:g}")
    generator = torch.Generator(device=seeds[0].device).manual_seed(random_seed)
    side = min(PATCH_SIZE, *(min(seed.shape[-2:]) for seed in seeds))
    share = math.ceil(NUM_PATCHES / len(seeds))
    patches = []
    for seed in seeds:
        level = (seed.shape[-2], seed.shape[-1])
        patches.append(cut(seed, random_windows(level, crop_size=side, batch_size=share, generator=generator)))
    clean = to_input_range(torch.cat(patches))
    distorted = degradation(clean, generator)
    if torch.equal(clean, distorted):
        raise ValueError("the distortion leaves the seed as it is: there is nothing to learn; check its strength")
    return from_input_range(clean).cpu(), from_input_range(distorted).cpu()
