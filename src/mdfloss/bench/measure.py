"""What losses cost on this machine, measured against each other: time, memory and weights.

The losses take turns, round after round, so that whatever else the machine does falls on all of them alike. Time is the
median over the rounds of forward and backward together; a ratio is the median of the ratios within a round. Memory is
what one step adds at its peak: on CUDA as PyTorch counts it, on a CPU as the largest resident size of a process of its
own.
"""

from __future__ import annotations

import math
import multiprocessing
import re
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .candidates import L1, VGG, Candidate

__all__ = ["BenchConfig", "Cost", "measure_costs", "peak_bytes"]

SAMPLE_SECONDS = 0.02
"""A quick loss is repeated within a round until this time has passed."""

WARM_UP_SIZE = 32
"""Side of the images of the step before the one whose memory is measured."""


@dataclass(frozen=True, kw_only=True)
class BenchConfig:
    """On what the losses are measured.

    Args:
        batch_size: Images in a step.
        size: Side of an image, px.
        device: "cpu", "cuda", "cuda:1", …
        rounds: Turns of each loss.
        autocast: Run under bfloat16 autocast.
        memory: Measure memory too.
    """

    batch_size: int = 8
    size: int = 96
    device: str = "cpu"
    rounds: int = 7
    autocast: bool = False
    memory: bool = True

    def __post_init__(self) -> None:
        for name in ("batch_size", "size", "rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if torch.device(self.device).type == "cuda" and not torch.cuda.is_available():
            raise ValueError(f"device {self.device!r} asks for CUDA, and PyTorch finds none here: use --device cpu")


class Cost(NamedTuple):
    """What a loss costs.

    Attributes:
        name: Of the loss.
        milliseconds: Median of forward and backward, for the batch.
        to_l1: Times the cost of L1; NaN where L1 was not measured.
        to_vgg: Times the cost of VGG16 up to relu4_3; NaN where that was not measured.
        memory_mb: What a step adds at its peak, MB of 10^6 bytes; NaN where it was not measured.
        weights_mb: Weights in memory, MB of 10^6 bytes.
    """

    name: str
    milliseconds: float
    to_l1: float
    to_vgg: float
    memory_mb: float
    weights_mb: float


def _pair(config: BenchConfig, size: int) -> tuple[Tensor, Tensor]:
    """A noisy prediction that asks for a gradient, and its target."""
    random = torch.Generator().manual_seed(0)
    target = torch.rand(config.batch_size, 3, size, size, generator=random)
    pred = torch.randn(target.shape, generator=random).mul_(0.1).add_(target)  # in place: no peak of its own
    return pred.to(config.device).requires_grad_(), target.to(config.device)


def _run(loss: nn.Module, pred: Tensor, target: Tensor, config: BenchConfig) -> None:
    """One step: forward and backward."""
    pred.grad = None
    with torch.autocast(torch.device(config.device).type, dtype=torch.bfloat16, enabled=config.autocast):
        value = loss(pred, target)
    value.backward()


class _Timed:
    """A loss with the images that it is timed on."""

    def __init__(self, candidate: Candidate, config: BenchConfig) -> None:
        self.name = candidate.name
        self._config = config
        self._device = torch.device(config.device)
        self.loss = candidate.build().to(self._device)
        self._pred, self._target = _pair(config, config.size)
        self._repeats = 1
        first = min(self.seconds(), self.seconds())  # the first call sets things up
        self._repeats = max(1, math.ceil(SAMPLE_SECONDS / first))

    def seconds(self) -> float:
        """Time of one step, the mean over as many as make a sample."""
        self._synchronize()
        started = time.perf_counter()
        for _ in range(self._repeats):
            _run(self.loss, self._pred, self._target, self._config)
        self._synchronize()
        return (time.perf_counter() - started) / self._repeats

    def _synchronize(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def measure_costs(
    candidates: Sequence[Candidate], config: BenchConfig, *, progress: Callable[[], None] = lambda: None
) -> list[Cost]:
    """Measure losses against each other.

    Args:
        candidates: What to measure; ratios need those of `standard_candidates` for L1 and VGG.
        config: On what.
        progress: Called after each of the rounds and each measurement of memory.

    Returns:
        One row for each, in the order given.
    """
    memory = {}
    for candidate in candidates:  # before this process has grown
        memory[candidate.name] = _memory_mb(candidate, config) if config.memory else math.nan
        progress()
    timed = [_Timed(candidate, config) for candidate in candidates]
    seconds: dict[str, list[float]] = {one.name: [] for one in timed}
    for _ in range(config.rounds):
        for one in timed:
            seconds[one.name].append(one.seconds())
        progress()
    return [
        Cost(
            one.name,
            1000 * median(seconds[one.name]),
            _ratio(seconds, one.name, L1),
            _ratio(seconds, one.name, VGG),
            memory[one.name],
            sum(t.nbytes for t in (*one.loss.parameters(), *one.loss.buffers())) / 1e6,
        )
        for one in timed
    ]


def _ratio(seconds: dict[str, list[float]], name: str, other: str) -> float:
    if other not in seconds:
        return math.nan
    return median(a / b for a, b in zip(seconds[name], seconds[other], strict=True))


def _memory_mb(candidate: Candidate, config: BenchConfig) -> float:
    """What one step adds at its peak, MB."""
    if torch.device(config.device).type == "cuda":
        return _cuda_memory_mb(candidate, config)
    if sys.platform == "win32":
        return math.nan
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_cpu_memory_mb, candidate, config, torch.get_num_threads()).result()


def _cuda_memory_mb(candidate: Candidate, config: BenchConfig) -> float:
    loss, pair = candidate.build().to(config.device), _pair(config, config.size)
    _run(loss, *pair, config)
    before = torch.cuda.memory_allocated(config.device)
    torch.cuda.reset_peak_memory_stats(config.device)
    _run(loss, *pair, config)
    return (torch.cuda.max_memory_allocated(config.device) - before) / 1e6


def _cpu_memory_mb(candidate: Candidate, config: BenchConfig, threads: int) -> float:
    """To be called in a process that does nothing else."""
    torch.set_num_threads(threads)
    loss, pair = candidate.build(), _pair(config, config.size)
    _run(loss, *_pair(config, min(config.size, WARM_UP_SIZE)), config)
    before = peak_bytes()
    _run(loss, *pair, config)
    return (peak_bytes() - before) / 1e6


def peak_bytes() -> int:
    """The largest resident size that this process has had."""
    status = Path("/proc/self/status")  # Linux: getrusage would count the process that started this one
    if status.is_file():
        return 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", status.read_text())[1])  # type: ignore[index]
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
