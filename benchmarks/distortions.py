"""How many patches a second each distortion makes, against the training step that waits for them.

    python benchmarks/distortions.py

A distortion is no bottleneck while its time is small beside the step's. Medians of repeated runs on this machine, one
thread unless OMP_NUM_THREADS says otherwise.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from mdfloss.distortions import (
    DefocusBlur,
    Distortion,
    Downscale,
    GaussianBlur,
    GaussianNoise,
    Jpeg,
    MotionBlur,
    PoissonGaussianNoise,
)
from mdfloss.networks import DnCNN
from mdfloss.seeds import photograph

BATCHES = ((8, 48), (16, 96))
DISTORTIONS: tuple[Distortion, ...] = (
    GaussianNoise(),
    PoissonGaussianNoise(),
    Jpeg(),
    Downscale(),
    GaussianBlur(),
    DefocusBlur(),
    MotionBlur(),
)


def seconds(work: Callable[[], object], *, repeats: int) -> float:
    """Median time of one call, after a first that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times)


def patches(count: int, size: int) -> torch.Tensor:
    """Patches of a photograph, N×3×size×size."""
    image = photograph("astronaut")
    places = torch.randint(0, image.shape[3] - size, (count, 2), generator=torch.Generator().manual_seed(0)).tolist()
    return torch.cat([image[:, :, y : y + size, x : x + size] for y, x in places])


def training_step(batch: torch.Tensor, num_layers: int, num_features: int) -> Callable[[], object]:
    """One step of a denoiser with the L1 loss and Adam."""
    network = DnCNN(num_layers=num_layers, num_features=num_features)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        (network(batch) - batch).abs().mean().backward()
        optimizer.step()

    return step


def jpeg_in_threads(batch: torch.Tensor, workers: int) -> Callable[[], object]:
    """The batch cut into parts, each compressed in a thread of its own."""
    pool = ThreadPoolExecutor(workers)
    generators = [torch.Generator().manual_seed(part) for part in range(workers)]
    return lambda: list(pool.map(Jpeg(), batch.chunk(workers), generators))


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    console = Console()
    for count, size in BATCHES:
        batch = patches(count, size)
        generator = torch.Generator().manual_seed(0)
        table = Table(
            "", "ms a batch", "patches/s", title=f"{count}×3×{size}×{size}, {torch.get_num_threads()} threads"
        )
        rows = {type(d).__name__: seconds(partial(d, batch, generator), repeats=30) for d in DISTORTIONS}
        for workers in (2, 4):
            rows[f"Jpeg in {workers} threads"] = seconds(jpeg_in_threads(batch, workers), repeats=30)
        rows["step of DnCNN, 7 layers of 32"] = seconds(training_step(batch, 7, 32), repeats=3)
        rows["step of DnCNN, 20 layers of 64"] = seconds(training_step(batch, 20, 64), repeats=1)
        for name, spent in rows.items():
            table.add_row(name, f"{1000 * spent:.2f}", f"{count / spent:.0f}")
        console.print(table)


if __name__ == "__main__":
    main()
