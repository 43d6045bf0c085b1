"""One window of a photograph as several trained networks restore it, side by side, on the distortion of a test.

    python benchmarks/crops.py chelsea recipes/quality_jpeg.yaml --test "quality 7" --window 100 100 96 \
        --run "L2=runs/quality_jpeg/runs/jpeg/DnCNN-7/L2/steps3000-lr0.002/seed0" -o crops.webp

The photographs are scikit-image's. Above each window is the PSNR of the whole photograph, of RGB after rounding to 8
bits.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from mdfloss.compare import load_grid
from mdfloss.distortions import load_distortion, resize
from mdfloss.evaluation.metrics import psnr
from mdfloss.networks import load_network
from mdfloss.restore import restore_image
from mdfloss.seeds import PHOTOGRAPHS, load_seed

INCHES = 2.2
"""Side of a window on the page."""


def versions(clean: Tensor, distorted: Tensor, runs: dict[str, Path]) -> dict[str, Tensor]:
    """The picture as it is given, as each run restores it, and as it was, by title; of 8 bits."""
    size = clean.shape[-2:]
    found = {"input": distorted if distorted.shape == clean.shape else resize(distorted, size)}
    for title, folder in runs.items():
        network = load_network(folder / "last.safetensors")
        with torch.inference_mode():
            found[title] = restore_image(network, distorted, upscale=network.upscale)
    found = {title: (image.clamp(0, 1) * 255).round() / 255 for title, image in found.items()}
    return {f"{title}, {psnr(image, clean).item():.2f} dB": image for title, image in found.items()} | {"truth": clean}


def draw(windows: dict[str, Tensor]) -> Figure:
    """The windows in a row, under their titles."""
    figure = Figure(figsize=(INCHES * len(windows), INCHES + 0.2), layout="constrained")
    for axes, (title, window) in zip(figure.subplots(1, len(windows)), windows.items(), strict=True):
        axes.imshow(window[0].permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.axis("off")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photograph", choices=PHOTOGRAPHS)
    parser.add_argument("recipe", type=Path, help="a comparison's grid, of one task")
    parser.add_argument("--test", required=True, help="name of a test, whose distortion is taken")
    parser.add_argument("--run", action="append", required=True, metavar="TITLE=FOLDER", help="a training; repeat it")
    parser.add_argument("--window", type=int, nargs=3, required=True, metavar=("TOP", "LEFT", "SIDE"), help="px")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a WebP file")
    arguments = parser.parse_args()
    (task,) = load_grid(arguments.recipe).tasks.values()
    runs = {title: Path(folder) for title, _, folder in (run.partition("=") for run in arguments.run)}
    clean = load_seed(arguments.photograph)
    clean = clean[..., : clean.shape[-2] // 4 * 4, : clean.shape[-1] // 4 * 4]
    distortion = load_distortion(**(task.tests[arguments.test].distortion or task.distortion))
    distorted = distortion(clean, torch.Generator().manual_seed(0))
    top, left, side = arguments.window
    window = (..., slice(top, top + side), slice(left, left + side))
    figure = draw({title: image[window] for title, image in versions(clean, distorted, runs).items()})
    figure.savefig(arguments.output, dpi=130, pil_kwargs={"quality": 85})


if __name__ == "__main__":
    main()
