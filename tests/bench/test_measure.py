"""Costs: what is counted is what was there, and ratios are of the losses that were named."""

from __future__ import annotations

import math
import sys

import pytest
import torch
from torch import Tensor, nn

from mdfloss.bench import BenchConfig, Candidate, measure_costs, own_candidates
from mdfloss.bench.candidates import L1


class Weighted(nn.Module):
    """A loss with a megabyte of weights."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(250_000), requires_grad=False)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return (pred - target).square().mean()


def test_ratios_and_weights() -> None:
    ticks: list[None] = []
    config = BenchConfig(batch_size=1, size=16, rounds=2, memory=False)
    candidates = [*own_candidates([L1]), Candidate("mine", Weighted)]
    costs = measure_costs(candidates, config, progress=lambda: ticks.append(None))
    assert [cost.name for cost in costs] == [L1, "mine"]
    assert costs[0].to_l1 == 1
    assert costs[1].to_l1 > 0
    assert all(cost.milliseconds > 0 and math.isnan(cost.to_vgg) and math.isnan(cost.memory_mb) for cost in costs)
    assert [cost.weights_mb for cost in costs] == [0, 1]
    assert len(ticks) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="no resident size there")
def test_memory_is_what_a_step_adds() -> None:
    """L1 needs a few tensors of the size of the images, which is 50 MB."""
    config = BenchConfig(batch_size=4, size=1024, rounds=1)
    (cost,) = measure_costs([Candidate("l1", nn.L1Loss)], config)
    assert 45 < cost.memory_mb < 300


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rounds": 0}, "rounds must be at least 1, got 0"),
        ({"size": -1}, "size must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
    ],
)
def test_wrong_options(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BenchConfig(**options)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_no_cuda_says_so() -> None:
    with pytest.raises(ValueError, match="use --device cpu"):
        BenchConfig(device="cuda")
