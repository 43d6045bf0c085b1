"""Patches a second that the data room makes, against what a training step needs.

    python benchmarks/feeding.py --images DIR

One process cuts and distorts, as in training without workers; the rest of a step's time is left for the network.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch.utils.data import DataLoader

from mdfloss.data import ImageSet, PatchDataset, StepSampler
from mdfloss.distortions import Distortion, GaussianNoise, Jpeg
from mdfloss.networks import DnCNN


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Median of the processor's time, after a first call that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(1000 * (time.process_time() - started))
    return median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--patch-size", type=int, default=48)
    parser.add_argument("--layers", type=int, default=7)
    parser.add_argument("--features", type=int, default=32)
    options = parser.parse_args()
    images = ImageSet(options.images, min_size=options.patch_size)
    network = DnCNN(num_layers=options.layers, num_features=options.features)
    batch = torch.rand(options.batch_size, 3, options.patch_size, options.patch_size)
    need = milliseconds(lambda: (network(batch) - batch).abs().mean().backward(), 5)
    print(f"a step of DnCNN ({options.layers} × {options.features}) with L1: {need:.1f} ms for {len(batch)} patches")
    distortions: tuple[Distortion | None, ...] = (None, GaussianNoise(), Jpeg())
    for distortion in distortions:
        patches = PatchDataset(images, distortion, patch_size=options.patch_size, seed=0)
        sampler = StepSampler(0, 10_000, batch_size=options.batch_size)
        batches = iter(DataLoader(patches, batch_sampler=sampler))
        spent = milliseconds(lambda batches=batches: next(batches), 20)
        name = "no distortion" if distortion is None else type(distortion).__name__
        speed = 1000 * len(batch) / spent
        print(f"{name}: {spent:.2f} ms a batch, {speed:.0f} patches a second, {spent / need:.1%} of the step")


if __name__ == "__main__":
    main()
