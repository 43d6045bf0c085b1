"""ReLUs that fire nowhere, in every network of a comparison: units that a training cannot bring back.

    python benchmarks/dead_units.py runs/quality_denoise --images DIR

Each network sees 16 noisy patches of 64 px (σ ~ U[0, 55]) of DIR's pictures.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from mdfloss.data import ImageSet, PatchDataset
from mdfloss.distortions import GaussianNoise
from mdfloss.networks import load_network


@torch.no_grad()
def dead_units(network: nn.Module, images: Tensor) -> tuple[int, int]:
    """How many channels of ReLUs are 0 on all images, and how many there are."""
    peaks: list[Tensor] = []

    def note(_layer: nn.Module, _given: Tensor, output: Tensor) -> None:
        peaks.append(output.amax((0, 2, 3)))

    hooks = [layer.register_forward_hook(note) for layer in network.modules() if isinstance(layer, nn.ReLU)]
    network(images)
    for hook in hooks:
        hook.remove()
    return sum(int((peak <= 0).sum()) for peak in peaks), sum(len(peak) for peak in peaks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comparison", type=Path, help="folder that `mdfloss compare` wrote")
    parser.add_argument("--images", required=True, help="folder of clean pictures")
    arguments = parser.parse_args()
    patches = PatchDataset(ImageSet(arguments.images), GaussianNoise(), patch_size=64, seed=9)
    images = torch.stack([patches[index].distorted for index in range(16)])
    for file in sorted(arguments.comparison.glob("runs/*/*/*/*/*/last.safetensors")):
        dead, total = dead_units(load_network(file), images)
        print(f"{file.parent.relative_to(arguments.comparison / 'runs')}: {dead} of {total}")


if __name__ == "__main__":
    main()
