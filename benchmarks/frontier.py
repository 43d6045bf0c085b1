"""What narrower banks, fewer scales and drawn scales cost, against VGG16 (to relu4_3) and LPIPS.

    python benchmarks/frontier.py

Random weights: for the cost only. Widths are those that `fit --width W --max-width M` gives.
"""

from __future__ import annotations

import argparse
from functools import partial
from itertools import product

from rich.console import Console
from rich.table import Table
from torch import nn

from mdfloss import MDFLoss
from mdfloss.bench import BenchConfig, Candidate, measure_costs, random_bank, standard_candidates
from mdfloss.bench.candidates import L1, VGG

LPIPS = "lpips alex (random weights)"
BANKS = {"32 to 64": (32,) * 4 + (64,) * 4, "32": (32,) * 8, "16": (16,) * 8, "8": (8,) * 8}


def build(widths: tuple[int, ...], definition: str, scales: int) -> nn.Module:
    drawn = None if scales == len(widths) else scales
    return MDFLoss(random_bank(widths), definition=definition, scales_per_step=drawn)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--definition", nargs="+", default=["whitened"])
    parser.add_argument("--scales", type=int, nargs="+", default=[8, 4, 2, 1], help="drawn in each step, of 8")
    parser.add_argument("--banks", nargs="+", default=list(BANKS), choices=list(BANKS))
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=8, help="each draws anew: an even mix needs several")
    options = parser.parse_args()
    others = [candidate for candidate in standard_candidates() if candidate.name in (L1, VGG, LPIPS)]
    ours = [
        Candidate(f"{definition}, width {name}, {scales} of 8 scales", partial(build, BANKS[name], definition, scales))
        for definition, name, scales in product(options.definition, options.banks, options.scales)
    ]
    config = BenchConfig(
        batch_size=options.batch_size, size=options.size, device=options.device, rounds=options.rounds, memory=False
    )
    costs = measure_costs([*others, *ours], config)
    lpips = next(cost.milliseconds for cost in costs if cost.name == LPIPS)
    table = Table("loss", "ms", "× L1", "× VGG", "× LPIPS")
    for cost in costs:
        ratios = (cost.to_l1, cost.to_vgg, cost.milliseconds / lpips)
        table.add_row(cost.name, f"{cost.milliseconds:.1f}", *(f"{ratio:.2f}" for ratio in ratios))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
