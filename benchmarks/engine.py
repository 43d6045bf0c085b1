"""The engine against the plain definition: time, memory, and how equal they are.

    python benchmarks/engine.py --bank Ds_JPEG.safetensors --definition official

Without --bank, a random bank of the official widths. Both take turns, and the ratio is the median over the rounds: of
the time that passed, and of the processor's time, which other programs on the machine disturb less. Memory is what one
step adds to a process of its own.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn

from mdfloss import DiscriminatorBank, MDFLoss, mdf_loss
from mdfloss.bench import BenchConfig, Candidate, measure_costs, random_bank
from mdfloss.pretrained import load_bank


class Plain(MDFLoss):
    """Without the engine."""

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """The definition's own code."""
        return mdf_loss(pred, target, self.bank, definition=self.definition)


def build(kind: type[MDFLoss], path: Path | None, definition: str) -> nn.Module:
    return kind(bank(path), definition=definition)


def bank(path: Path | None) -> DiscriminatorBank:
    return random_bank() if path is None else load_bank(path)


def step(loss: nn.Module, pred: Tensor, target: Tensor, *, autocast: bool) -> tuple[Tensor, Tensor]:
    leaf = pred.clone().requires_grad_()
    with torch.autocast(pred.device.type, dtype=torch.bfloat16, enabled=autocast):
        value = loss(leaf, target)
    value.backward()
    return value.detach(), leaf.grad


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--definition", default="official")
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--autocast", action="store_true", help="bfloat16 for the engine; plain stays float32")
    options = parser.parse_args()
    builders = {kind.__name__: partial(build, kind, options.bank, options.definition) for kind in (Plain, MDFLoss)}
    config = BenchConfig(
        batch_size=options.batch_size, size=options.size, device=options.device, rounds=1, autocast=options.autocast
    )
    costs = measure_costs([Candidate(*item) for item in builders.items()], config)
    plain, ours = (cost.memory_mb for cost in costs)
    print(f"memory of a step: plain {plain:.0f} MB, engine {ours:.0f} MB, ratio {ours / plain:.3f}", flush=True)
    losses = {name: make().to(options.device) for name, make in builders.items()}
    random = torch.Generator().manual_seed(0)
    target = torch.rand(options.batch_size, 3, options.size, options.size, generator=random)
    pred = (target + 0.1 * torch.randn(target.shape, generator=random)).to(options.device)
    target = target.to(options.device)
    passed: dict[str, list[float]] = {name: [] for name in losses}
    worked: dict[str, list[float]] = {name: [] for name in losses}
    results = {}
    for _ in range(options.rounds + 1):
        for name, loss in losses.items():
            started, working = time.perf_counter(), time.process_time()
            results[name] = step(loss, pred, target, autocast=options.autocast and name != "Plain")
            results[name][0].item()  # waits for the device
            passed[name].append(time.perf_counter() - started)
            worked[name].append(time.process_time() - working)
    for what, times in (("time passed", passed), ("processor time", worked)):
        ratio = median(b / a for a, b in zip(times["Plain"][1:], times["MDFLoss"][1:], strict=True))
        plain, ours = (1000 * median(times[name][1:]) for name in losses)
        print(f"{what}: plain {plain:.0f} ms, engine {ours:.0f} ms, ratio {ratio:.3f}")
    (plain_value, plain_gradient), (value, gradient) = results["Plain"], results["MDFLoss"]
    cosine = torch.cosine_similarity(gradient.flatten(), plain_gradient.flatten(), dim=0)
    print(f"loss differs by {abs(value / plain_value - 1).item():.2e} of itself; cosine of gradients {cosine:.6f}")


if __name__ == "__main__":
    main()
