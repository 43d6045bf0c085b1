"""Phase 1: iterations a second on crops against a loop on whole images, and memory against the seed's size.

    python benchmarks/fit_speed.py --sides 512 4096

The loop on whole images is SinGAN's way: the finest scale trained on the whole level, whose input has gone through
all coarser generators. Both do the same, with as many steps of critic and generator, and random generators
before. Each measurement has a process of its own; memory is what the fit adds to the process that holds the seed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from statistics import median
from typing import Any

import torch

from mdfloss.bench.measure import peak_bytes
from mdfloss.distortions import GaussianNoise
from mdfloss.fitting import FitConfig, fit
from mdfloss.fitting.chain import Chain, Degradation
from mdfloss.fitting.iteration import train_on_crops
from mdfloss.fitting.pyramid import choose_rho, scale_sizes, seed_levels
from mdfloss.fitting.scale_gan import Generator, ScaleNetworks
from mdfloss.seeds import photograph


def seed(side: int) -> torch.Tensor:
    """Tiles of a photograph, made without anything larger on the way: that would hide what is measured."""
    repeats = -(-side // 512)
    return photograph("astronaut").repeat(1, 1, repeats, repeats)[..., :side, :side]


def iterations_a_second(side: int, preset: str, whole: bool, repeats: int) -> float:
    """At the finest scale, on crops or on the whole level."""
    config = FitConfig.preset(preset)
    config = replace(config, crop_size=side, batch_size=1) if whole else config
    rho = choose_rho(side, num_scales=config.num_scales)
    levels = seed_levels(seed(side), scale_sizes((side, side), num_scales=8, rho=rho))
    random = torch.Generator().manual_seed(0)
    generators = [Generator(width).eval().requires_grad_(False) for width in config.widths[:-1]]
    chain = Chain(levels, generators, Degradation(GaussianNoise()))
    networks, last = ScaleNetworks(config.widths[-1], generator=random), config.num_scales - 1
    times = []
    for _ in range(repeats + 1):
        started = time.process_time()
        train_on_crops(networks, [chain], last, config, generator=random)
        times.append(time.process_time() - started)
    return 1 / median(times[1:])


def memory_mb(side: int, preset: str) -> float:
    """What a fit of one iteration a scale adds at its peak."""
    image = seed(side)
    fit([seed(64)], GaussianNoise(), FitConfig.preset(preset, iterations=1, num_scales=1), task="warm up")
    before = peak_bytes()
    fit([image], GaussianNoise(), FitConfig.preset(preset, iterations=1), task="benchmark")
    return (peak_bytes() - before) / 1e6


def alone(work: Callable[..., float], *arguments: Any) -> float:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 4096], help="speed is measured on the first")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    first = options.sides[0]
    crops = alone(iterations_a_second, first, options.preset, False, options.repeats)
    whole = alone(iterations_a_second, first, options.preset, True, options.repeats)
    print(f"{first} px, {options.preset}, finest scale, iterations a second of processor time:")
    print(f"  crops {crops:.2f}, whole level {whole:.3f}, ratio {crops / whole:.1f}")
    for side in options.sides:
        memory = alone(memory_mb, side, options.preset)
        print(f"{side} px: a fit adds {memory:.0f} MB to the {side * side * 12e-6:.0f} MB of the seed")


if __name__ == "__main__":
    main()
