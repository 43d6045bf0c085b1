"""The pyramid of the seed: how many scales, how far apart, and the seed at each of them.

Paper section 3.1: the seed at scale k of K is the image downsampled by rho^(K-k) with a Lanczos filter, where
K = 8 and rho = 2. That needs 1,408 px on the short side, since the coarsest level must still hold one 11×11
patch; for smaller seeds K is kept and rho lowered, as SinGAN does, whose coarsest level has 25 px.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from mdfloss.bank import RECEPTIVE_FIELD
from mdfloss.distortions import resize

__all__ = ["Size", "choose_rho", "scale_sizes", "seed_levels"]

Size: TypeAlias = tuple[int, int]
"""Height and width in pixels."""

PAPER_RHO = 2.0
COARSEST_SIDE = 25
"""Short side of the coarsest level that `choose_rho` keeps, in pixels (SinGAN's)."""
SMALLEST_RHO = 1.05


def choose_rho(short_side: int, *, num_scales: int) -> float:
    """Ratio between neighbouring scales that suits a seed.

    Args:
        short_side: Short side of the smallest seed in pixels.
        num_scales: K.

    Returns:
        The paper's 2 where the coarsest level then still has 11 px; else the ratio that leaves it 25 px.

    Raises:
        ValueError: No ratio of at least 1.05 leaves 25 px.
    """
    if num_scales < 1:
        raise ValueError(f"num_scales must be at least 1, got {num_scales}")
    if num_scales == 1 or short_side >= RECEPTIVE_FIELD * PAPER_RHO ** (num_scales - 1):
        return PAPER_RHO
    rho: float = (max(short_side, 1) / COARSEST_SIDE) ** (1 / (num_scales - 1))
    if rho < SMALLEST_RHO:
        needed = math.ceil(COARSEST_SIDE * SMALLEST_RHO ** (num_scales - 1))
        raise ValueError(
            f"the seed has {short_side} px on its short side; K={num_scales} scales need {needed} px there: "
            f"take a larger seed, or lower K{_mend_scales(short_side, COARSEST_SIDE, SMALLEST_RHO)}"
        )
    return rho


def scale_sizes(size: Size, *, num_scales: int, rho: float) -> tuple[Size, ...]:
    """Sizes of the levels of a seed, coarsest first.

    Args:
        size: Height and width of the seed.
        num_scales: K.
        rho: Ratio between neighbouring scales, above 1.

    Returns:
        K sizes; the last is `size`.

    Raises:
        ValueError: K or rho make no pyramid, or the coarsest level would be below 11 px.
    """
    if num_scales < 1 or not rho > 1:
        raise ValueError(f"a pyramid needs num_scales >= 1 and rho > 1, got K={num_scales} and rho={rho:g}")
    factors = [rho ** (num_scales - 1 - k) for k in range(num_scales)]
    sizes = tuple((round(size[0] / f), round(size[1] / f)) for f in factors)
    if min(sizes[0]) < RECEPTIVE_FIELD:
        raise ValueError(_too_small(size, num_scales=num_scales, rho=rho))
    return sizes


def seed_levels(seed: Tensor, sizes: Sequence[Size]) -> list[Tensor]:
    """The seed at every scale.

    Args:
        seed: (1, 3, H, W) in [0, 1].
        sizes: Sizes of the levels, coarsest first; the last is (H, W).

    Returns:
        Levels (1, 3, h, w), clamped to [0, 1].
    """
    finest = seed.to(torch.float32)
    coarser = [resize(finest, size, kernel="lanczos").clamp(0, 1) for size in sizes[:-1]]
    return [*coarser, finest]


def _too_small(size: Size, *, num_scales: int, rho: float) -> str:
    short = min(size)
    needed = math.ceil(RECEPTIVE_FIELD * rho ** (num_scales - 1))
    mends = []
    lower = math.floor(100 * (short / COARSEST_SIDE) ** (1 / max(num_scales - 1, 1))) / 100
    if num_scales > 1 and SMALLEST_RHO <= lower < rho:
        mends.append(f"rho to {lower:g}")
    fewer = 1 + math.floor(math.log(short / RECEPTIVE_FIELD, rho)) if short >= RECEPTIVE_FIELD else 0
    if fewer >= 1:
        mends.append(f"K to {fewer}")
    mend = f"lower {' or '.join(mends)}" if mends else "take a larger seed"
    return f"seed is {size[0]}x{size[1]}; K={num_scales} with rho={rho:g} needs {needed} px on the short side: {mend}"


def _mend_scales(short_side: int, coarsest: int, rho: float) -> str:
    if short_side < coarsest:
        return ""
    return f" to {1 + math.floor(math.log(short_side / coarsest, rho))}"
