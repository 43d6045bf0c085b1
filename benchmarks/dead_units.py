"""ReLUs that fire nowhere, in every network of a comparison: units that a training cannot bring back.

    python benchmarks/dead_units.py recipes/quality_denoise.yaml runs/quality_denoise

Each network sees 16 patches of 64 px of the recipe's validation pictures, distorted as in its training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from mdfloss.compare.grid_file import load_grid
from mdfloss.data import ImageSet, PatchDataset
from mdfloss.distortions import load_distortion
from mdfloss.networks import load_network
from mdfloss.networks.dead_relus import DeadReluCounter

PATCHES, PATCH_SIZE, SEED = 16, 64, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path, help="the comparison's grid")
    parser.add_argument("comparison", type=Path, help="folder that `mdfloss compare` wrote")
    arguments = parser.parse_args()
    grid = load_grid(arguments.recipe)
    pictures = ImageSet(grid.training.val_dir)
    for name, task in grid.tasks.items():
        patches = PatchDataset(pictures, load_distortion(**task.distortion), patch_size=PATCH_SIZE, seed=SEED)
        images = torch.stack([patches[index].distorted for index in range(PATCHES)])
        for file in sorted(arguments.comparison.glob(f"runs/{name}/*/*/*/*/last.safetensors")):
            with torch.no_grad(), DeadReluCounter() as counter:
                load_network(file)(images)
            print(f"{file.parent.relative_to(arguments.comparison / 'runs')}: {counter.dead} of {counter.total}")


if __name__ == "__main__":
    main()
