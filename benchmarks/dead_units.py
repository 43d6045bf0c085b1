"""ReLUs that fire nowhere, in every network of a comparison: units that a training cannot bring back.

    python benchmarks/dead_units.py recipes/quality_denoise.yaml runs/quality_denoise

Each network sees 16 patches of 64 px of the recipe's validation pictures, distorted as in its training.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from mdfloss.compare.grid_file import load_grid
from mdfloss.data import ImageSet, PatchDataset
from mdfloss.distortions import load_distortion
from mdfloss.networks import load_network

PATCHES, PATCH_SIZE, SEED = 16, 64, 9


class _Peaks(TorchDispatchMode):
    """The largest value of each channel of every ReLU that is computed meanwhile, module or function."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func.overloadpacket in {torch.ops.aten.relu, torch.ops.aten.relu_}:
            self.found.append(output.amax((0, 2, 3)))
        return output


@torch.no_grad()
def dead_units(network: nn.Module, images: Tensor) -> tuple[int, int]:
    """How many channels of ReLUs are 0 on all images, and how many there are."""
    with _Peaks() as peaks:
        network(images)
    return sum(int((peak <= 0).sum()) for peak in peaks.found), sum(len(peak) for peak in peaks.found)


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
            dead, total = dead_units(load_network(file), images)
            print(f"{file.parent.relative_to(arguments.comparison / 'runs')}: {dead} of {total}")


if __name__ == "__main__":
    main()
