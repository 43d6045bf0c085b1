"""The frontier: how well networks trained with each loss restore, against what a step of the loss costs here.

    python benchmarks/quality_cost.py recipes/quality_denoise.yaml runs/quality_denoise --output frontier.svg

Quality is the mean of the comparison's first metric, as `mdfloss compare` left it in its tables; the milliseconds are
measured now, for the expressions of the same file, with VGG16 (to relu4_3) and LPIPS (AlexNet) as marks on the axis.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from mdfloss.bench import BenchConfig, measure_costs, own_candidates, standard_candidates
from mdfloss.bench.candidates import L1, VGG
from mdfloss.compare.grid import BANK
from mdfloss.compare.grid_file import load_grid
from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.plots import PALETTE, new_figure, save_figure

MARKS = {VGG: "VGG16", "lpips alex (random weights)": "LPIPS"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("grid", type=Path)
    parser.add_argument("comparison", type=Path)
    parser.add_argument("--output", type=Path, required=True, help=".svg, .pdf or .png")
    parser.add_argument("--rounds", type=int, default=8, help="each draws anew: an even mix needs several")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args()
    grid = load_grid(options.grid)
    (task,) = grid.tasks.values()
    expressions = {name: loss.expression.replace(BANK, task.bank) for name, loss in grid.losses.items()}
    known = [candidate for candidate in standard_candidates() if candidate.name in (L1, *MARKS)]
    ours = [candidate for candidate in own_candidates(list(expressions.values())) if candidate.name != L1]
    costs = measure_costs([*known, *ours], BenchConfig(rounds=options.rounds, memory=False))
    milliseconds = {cost.name: cost.milliseconds for cost in costs}
    summary = pd.read_csv(options.comparison / "tables" / "summary.csv")
    metric = METRICS[grid.metrics[0]]
    parts = list(summary[summary.metric == grid.metrics[0]].groupby(["length", "budget", "test"], sort=False))
    shown = [milliseconds[expression] for expression in expressions.values()]
    middle = (min(shown) * max(shown)) ** 0.5
    figure, axes = new_figure(3.6 * len(parts), 3.4, columns=len(parts))
    for (setting, part), one in zip(parts, axes, strict=True):
        for row in part.itertuples():
            x, fitted = milliseconds[expressions[row.loss]], row.loss.startswith(grid.candidate)
            one.plot(x, row.mean_value, "o", color=PALETTE[1 if fitted else 0])
            side = "left" if x < middle else "right"  # labels lie inwards, where there is room
            place = {"xytext": (4 if side == "left" else -4, 3), "textcoords": "offset points", "ha": side}
            one.annotate(row.loss, (x, row.mean_value), fontsize=7, **place)
            print(f"{setting}: {row.loss}: {x:.1f} ms, {row.mean_value:.{metric.digits}f} {metric.unit}")
        for name, label in MARKS.items():
            one.axvline(milliseconds[name], color=PALETTE[7], linestyle=":", linewidth=1)
            one.annotate(label, (milliseconds[name], 0.02), xycoords=("data", "axes fraction"), fontsize=7)
        one.set_xscale("log")
        one.margins(x=0.25)
        one.set_xlabel("forward and backward [ms]")
        one.set_title(f"{setting[2]}, {setting[0]} steps")
    axes[0].set_ylabel(metric.heading)
    for name in MARKS:
        print(f"{name}: {milliseconds[name]:.1f} ms")
    save_figure(figure, options.output, force=options.force)


if __name__ == "__main__":
    main()
