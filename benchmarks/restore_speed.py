"""Restoring a large picture: megapixels a second, memory and seams, in tiles against whole.

    python benchmarks/restore_speed.py --megapixels 24

Each measurement has a process of its own; memory is what restoring adds to the process that holds picture and network.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import torch

from mdfloss.bench.measure import peak_bytes
from mdfloss.networks import DnCNN
from mdfloss.restore import Tiling, restore_image
from mdfloss.seeds import photograph


class Measured(NamedTuple):
    """Of one restoration."""

    seconds: float
    processor_seconds: float
    memory_mb: float
    restored: torch.Tensor


def restore(layers: int, features: int, height: int, width: int, tiling: Tiling | None) -> Measured:
    torch.manual_seed(0)
    network = DnCNN(num_layers=layers, num_features=features).eval().requires_grad_(False)
    image = photograph("astronaut").repeat(1, 1, 1 + height // 512, 1 + width // 512)[..., :height, :width]
    restore_image(network, image[..., :64, :64])
    before = peak_bytes()
    started, working = time.perf_counter(), time.process_time()
    restored = restore_image(network, image, tiling=tiling or Tiling(max(height, width), 0))
    return Measured(
        time.perf_counter() - started,
        time.process_time() - working,
        (peak_bytes() - before) / 1e6,
        restored,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--layers", type=int, default=20)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--tile", type=int, default=512)
    parser.add_argument("--overlap", type=int, default=32)
    parser.add_argument(
        "--no-whole", action="store_true", help="leave out the picture as a whole: it needs much memory"
    )
    options = parser.parse_args()
    height = round((options.megapixels * 1e6 / 1.5) ** 0.5)
    width = round(1.5 * height)
    ways = {"tiles": Tiling(options.tile, options.overlap)} | ({} if options.no_whole else {"whole": None})
    restored = {}
    for name, tiling in ways.items():
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            found = pool.submit(restore, options.layers, options.features, height, width, tiling).result()
        restored[name] = found.restored
        speed, cpu_speed = (height * width / 1e6 / s for s in (found.seconds, found.processor_seconds))
        print(
            f"{name}: {speed:.3f} megapixels a second ({cpu_speed:.3f} of processor time), {found.memory_mb:.0f} MB "
            f"beside the picture's {height * width * 12e-6:.0f}"
        )
    if len(restored) == 2:
        difference = 255 * (restored["tiles"] - restored["whole"]).abs().max().item()
        print(f"largest difference between the two: {difference:.2g} of an 8-bit level")


if __name__ == "__main__":
    main()
