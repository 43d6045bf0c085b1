"""What a whole training step costs with each loss: network, loss, gradient and Adam, as ratios within one run.

    python benchmarks/step_cost.py --losses l1 ms_ssim+l1 mdf:denoise --layers 7 20 --features 32 64

DnCNN on 8 patches of 48 px. The losses take turns; times are of the processor, on one thread, so that other programs
disturb them little, and a ratio is the median of those within a round.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from mdfloss.losses import build_loss
from mdfloss.networks import build_network


def training_step(loss: str, layers: int, features: int) -> Callable[[], None]:
    """One step of a fresh network on a batch that stays the same."""
    network, distance = build_network("DnCNN", num_layers=layers, num_features=features), build_loss(loss)
    optimizer = torch.optim.Adam(network.parameters())
    distorted, clean = torch.rand(2, 8, 3, 48, 48)

    def step() -> None:
        optimizer.zero_grad()
        distance(network(distorted), clean).backward()
        optimizer.step()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--losses", nargs="+", default=["l1", "ms_ssim+l1", "mdf:denoise", "mdf:denoise@balanced"])
    parser.add_argument("--layers", type=int, nargs="+", default=[7, 20], help="of each network")
    parser.add_argument("--features", type=int, nargs="+", default=[32, 64], help="channels of each network")
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for layers, features in zip(options.layers, options.features, strict=True):
        steps = {loss: training_step(loss, layers, features) for loss in options.losses}
        seconds: dict[str, list[float]] = {loss: [] for loss in steps}
        for _ in range(1 + options.rounds):
            for loss, step in steps.items():
                begin = time.process_time()
                step()
                seconds[loss].append(time.process_time() - begin)
        first = seconds[options.losses[0]][1:]  # the first round warms up
        for loss, found in seconds.items():
            ratio = statistics.median(a / b for a, b in zip(found[1:], first, strict=True))
            shown = f"{1000 * statistics.median(found[1:]):.0f} ms, {ratio:.2f} times {options.losses[0]}'s"
            print(f"DnCNN {layers} x {features}, {loss}: {shown}", flush=True)


if __name__ == "__main__":
    main()
