"""Score trained denoisers on a folder of clean pictures with unclipped Gaussian noise of fixed strengths.

    python benchmarks/denoising.py --images DIR --runs l1=RUN_L1 mdf=RUN_MDF --sigma 15 25 50 --output OUT

Every network sees the same noise. Prints, for each strength, mean and 5th percentile over the pictures and the paired
difference from the first run; writes every picture's scores to OUT/sigma-S.csv and, with --crops, restored PNGs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from mdfloss.distortions import GaussianNoise
from mdfloss.evaluation import MetricProtocol, Score, ScoreTable, measure
from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.statistics import paired_test
from mdfloss.evaluation.summary import summarize
from mdfloss.images import find_images, read_image, write_image
from mdfloss.networks import load_network
from mdfloss.restore import restore_image


def score(runs: dict[str, Path], images: list[Path], sigma: float, metrics: list[str], kept: Path | None) -> ScoreTable:
    networks = {name: load_network(path) for name, path in runs.items()}
    protocol, rows = MetricProtocol(), []
    for number, path in enumerate(images):
        clean = read_image(path)
        noisy = GaussianNoise(sigma)(clean, torch.Generator().manual_seed(number))
        for name, network in networks.items():
            restored = restore_image(network, noisy).clamp(0, 1)
            values = {metric: measure(metric, restored, clean, protocol=protocol).item() for metric in metrics}
            rows.append(Score(path.stem, name, values))
            if kept is not None:
                write_image(kept / f"sigma-{sigma:g}" / name / f"{path.stem}.png", restored, force=True)
    return ScoreTable(tuple(metrics), tuple(rows), str(protocol))


def show(table: ScoreTable, sigma: float, console: Console) -> None:
    summary, first = summarize(table), table.methods[0]
    shown = Table(title=f"sigma {sigma:g}, {len(table.images)} pictures, {table.protocol}")
    for heading in ("run", *table.metrics):
        shown.add_column(heading)
    for method in table.methods:
        cells = []
        for metric in table.metrics:
            values, other = table.column(method, metric), table.column(first, metric)
            better = values > other if METRICS[metric].higher_is_better else values < other
            digits = 2 if metric == "psnr" else 4
            cell = f"{summary[method][metric].mean.value:.{digits}f} / {summary[method][metric].tail.value:.{digits}f}"
            if method != first:
                sign = 1 if METRICS[metric].higher_is_better else -1
                p_value = paired_test(sign * values, sign * other).p_value
                cell += f"  (better on {np.mean(better):.0%}, p {p_value:.1g})"
            cells.append(cell)
        shown.add_row(method, *cells)
    console.print(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--runs", nargs="+", required=True, metavar="NAME=RUN")
    parser.add_argument("--sigma", type=float, nargs="+", default=[15, 25, 50])
    parser.add_argument("--metrics", nargs="+", default=["psnr", "ssim"], choices=list(METRICS))
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--crops", action="store_true", help="keep the restored pictures")
    options = parser.parse_args()
    runs = {name: Path(path) for name, path in (run.split("=", 1) for run in options.runs)}
    images = find_images(options.images)
    for sigma in options.sigma:
        table = score(runs, images, sigma, options.metrics, options.output if options.crops else None)
        table.save_csv(options.output / f"sigma-{sigma:g}.csv")
        show(table, sigma, Console(width=200))


if __name__ == "__main__":
    main()
