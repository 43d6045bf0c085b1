"""Where the errors of restored pictures are: by axis of colour and band of frequencies, for every run of a comparison.

    python benchmarks/error_bands.py recipes/quality_dncnn20.yaml runs/quality_dncnn20 --test "sigma 50"

Mean squared errors in units of 1/255, along luma, red - green and yellow - blue (of length 1, so that they add up to
the squared error of the three channels); bands end at 0.03, 0.12, 0.25 and 0.71 cycles a pixel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from mdfloss.compare.grid_file import load_grid
from mdfloss.compare.run import grid_examples
from mdfloss.images import read_image
from mdfloss.networks import load_network

AXES = torch.nn.functional.normalize(torch.tensor([[1.0, 1, 1], [1, -1, 0], [1, 1, -2]]))
ENDS = (0.03, 0.12, 0.25, 1.0)


def error_bands(error: Tensor) -> Tensor:
    """(axes, bands): the mean squared error of a picture, (3, H, W)."""
    height, width = error.shape[1:]
    power = torch.fft.fft2(torch.einsum("ac,chw->ahw", AXES, error), norm="ortho").abs().square()
    frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None])
    band = torch.bucketize(frequency, torch.tensor(ENDS))
    return torch.stack([(power * (band == index)).sum((1, 2)) for index in range(len(ENDS))], 1) / (height * width)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path, help="the comparison's grid")
    parser.add_argument("comparison", type=Path, help="folder that `mdfloss compare` wrote")
    parser.add_argument("--test", required=True, help="name of a test")
    arguments = parser.parse_args()
    grid = load_grid(arguments.recipe)
    for task in (name for name, described in grid.tasks.items() if arguments.test in described.tests):
        for folder in sorted(arguments.comparison.glob(f"runs/{task}/*/*/*/*/tests/{arguments.test}")):
            upscale = load_network(folder.parents[1] / "last.safetensors").upscale
            found = [
                error_bands(255 * (read_image(folder / "restored" / f"{example.name}.png") - example.clean)[0])
                for example in grid_examples(grid, task, arguments.test, upscale=upscale)
            ]
            shown = "  ".join(" ".join(f"{value:5.1f}" for value in axis) for axis in torch.stack(found).mean(0))
            print(f"{folder.parents[1].relative_to(arguments.comparison / 'runs')}: {shown}")


if __name__ == "__main__":
    main()
