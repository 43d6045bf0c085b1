"""What a fit is going to do and how long it may take, before it does it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from mdfloss.distortions import Distortion

from .chain import MARGIN, Chain, Degradation
from .config import FitConfig
from .iteration import train_on_crops
from .pyramid import Size, choose_rho, scale_sizes
from .scale_gan import ScaleNetworks

__all__ = ["FitPlan", "ScalePlan", "measure_speed", "plan_fit"]

_TIMED_ITERATIONS = 3
_FULL_PASS, _INPUT_PASS, _CRITIC_STEP = 3, 2, 12
"""Costs in forward passes: with backward to weights and input, to the input only, and a critic's step, which has
three passes and the penalty's second derivative."""


@dataclass(frozen=True)
class ScalePlan:
    """One scale of a plan.

    Args:
        scale_index: 0 = coarsest.
        sizes: Size of the level, for every seed.
        width: Channels of the networks.
        iterations: Iterations.
        work: Multiplications of one iteration, in 10^9, estimated from the sizes of the windows.
    """

    scale_index: int
    sizes: tuple[Size, ...]
    width: int
    iterations: int
    work: float


@dataclass(frozen=True)
class FitPlan:
    """The scales of a fit, coarsest first.

    Args:
        rho: Ratio between neighbouring scales, given or chosen.
        scales: One entry a scale.
    """

    rho: float
    scales: tuple[ScalePlan, ...]

    def seconds(self, scale_index: int, *, speed: float) -> float:
        """Expected duration of a scale.

        Args:
            scale_index: 0 = coarsest.
            speed: 10^9 multiplications a second, from `measure_speed` or from the scales already done.
        """
        scale = self.scales[scale_index]
        return scale.iterations * scale.work / speed


def plan_fit(seed_sizes: Sequence[Size], config: FitConfig) -> FitPlan:
    """Plan a fit.

    Args:
        seed_sizes: Height and width of every seed.
        config: Options of the fit.

    Raises:
        ValueError: No seed, or one that is too small for K and rho; the message says the mend.
    """
    if not seed_sizes:
        raise ValueError("a fit needs at least one seed image, got none")
    short_side = min(min(size) for size in seed_sizes)
    rho = choose_rho(short_side, num_scales=config.num_scales) if config.rho is None else config.rho
    pyramids = [scale_sizes(size, num_scales=config.num_scales, rho=rho) for size in seed_sizes]
    scales = []
    for k, width in enumerate(config.widths):
        sizes = tuple(pyramid[k] for pyramid in pyramids)
        work = sum(_iteration_work(pyramid[: k + 1], config) for pyramid in pyramids) / len(pyramids)
        scales.append(ScalePlan(k, sizes, width, config.iterations, work / 1e9))
    return FitPlan(rho, tuple(scales))


def measure_speed(plan: FitPlan, config: FitConfig, distortion: Distortion) -> float:
    """Do a few iterations of a scale that is thrown away, to learn how long the fit may take.

    Args:
        plan: The plan of the fit.
        config: Its options.
        distortion: The task's distortion.

    Returns:
        10^9 multiplications a second on the CPU, for `FitPlan.seconds`.
    """
    random = torch.Generator().manual_seed(0)
    height, width = (min(config.crop_size, side) for side in plan.scales[-1].sizes[0])
    level = torch.rand(1, 3, height, width, generator=random)
    chains = [Chain([level], [], Degradation(distortion))]
    networks = ScaleNetworks(config.width, generator=random)
    started = 0.0
    for iteration in range(1 + _TIMED_ITERATIONS):
        started = time.monotonic() if iteration == 1 else started
        train_on_crops(networks, chains, 0, config, generator=random)
    work = _iteration_work([(height, width)], config) / 1e9
    return work * _TIMED_ITERATIONS / (time.monotonic() - started)


def _network_work(size: Size, width: int, *, images: int) -> float:
    """Multiplications of one forward pass whose output has `size`."""
    blocks = [3 * width] + 3 * [width * width] + [2 * width]
    sides = [(size[0] + 2 * left, size[1] + 2 * left) for left in (4, 3, 2, 1, 0)]
    return images * 9.0 * sum(b * h * w for b, (h, w) in zip(blocks, sides, strict=True))


def _iteration_work(levels: Sequence[Size], config: FitConfig) -> float:
    """Multiplications of one iteration at the last of the levels: the chain of generators, then the steps."""
    widths, images = config.widths, config.batch_size
    size = (min(config.crop_size, levels[-1][0]), min(config.crop_size, levels[-1][1]))
    fake = _network_work(size, widths[len(levels) - 1], images=images)
    score = fake * max(size[0] - 2 * MARGIN, 1) * max(size[1] - 2 * MARGIN, 1) / (size[0] * size[1])
    generator_step = _FULL_PASS * fake + _INPUT_PASS * score
    steps = fake + config.critic_steps * _CRITIC_STEP * score + config.generator_steps * generator_step
    return steps + sum(
        _network_work(window, widths[k], images=images) for k, window in enumerate(chain_windows(levels, size)[:-1])
    )


def chain_windows(levels: Sequence[Size], size: Size) -> list[Size]:
    """Sizes of the windows that the chain computes at every level for a crop of the last one."""
    windows = [size]
    for fine, coarse in zip(levels[:0:-1], levels[-2::-1], strict=True):
        wide = [min(side + 2 * MARGIN, whole) for side, whole in zip(windows[0], fine, strict=True)]
        needed = [int((w - 1) * c / f) + 6 for w, c, f in zip(wide, coarse, fine, strict=True)]
        windows.insert(0, (min(needed[0], coarse[0]), min(needed[1], coarse[1])))
    return windows
