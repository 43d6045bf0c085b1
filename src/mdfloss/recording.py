"""CUDA graphs: work that comes up again and again is recorded once, then replayed with a single launch.

Small kernels take a GPU less time than their launches take the host: a training step of a small network is hundreds of
launches, and so are the eight discriminators of a bank. As a graph they are one.
"""

from __future__ import annotations

import itertools
import warnings
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["Recordings", "Work", "make_capturable", "plain_state", "record", "run_in_turn", "set_rate"]

WARM_UP_CALLS = 3
"""Calls before a training step is recorded, in which kernels and states are made; what they change is put back."""


def make_capturable(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Let an Adam's step be recorded: its learning rate and its counts of steps live on the device.

    Args:
        optimizer: Changed in place, its state too.
        device: Where its parameters are, a CUDA device.
    """
    for group in optimizer.param_groups:
        group |= {"lr": torch.tensor(float(group["lr"]), device=device), "capturable": True}
    for state in optimizer.state.values():
        state["step"] = state["step"].to(device)


def set_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate, where it is on a device in place.

    Args:
        optimizer: As it is, or made capturable.
        lr: Learning rate.
    """
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr)
        else:
            group["lr"] = lr


def plain_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """The state of an optimiser as one that was not made capturable has it, so that any device can go on with it.

    Args:
        optimizer: As it is, or made capturable.
    """
    state = optimizer.state_dict()
    for group in state["param_groups"]:
        if isinstance(group["lr"], Tensor):
            group |= {"lr": group["lr"].item(), "capturable": False}
    return state


def record(
    step: Callable[[], object], *, changed: Sequence[Tensor], optimizers: Sequence[torch.optim.Optimizer]
) -> torch.cuda.CUDAGraph:
    """Record a training step, which is not done by that: whatever it changed while it was warmed up is put back.

    Args:
        step: Reads and writes the same tensors whenever it is called; gradients begin as None.
        changed: What it changes beside the optimisers' states.
        optimizers: Capturable ones.

    Returns:
        The graph; its `replay` is the step.
    """
    before = [tensor.clone() for tensor in changed]
    moments = [
        [{name: value.clone() for name, value in state.items()} for state in optimizer.state.values()]
        for optimizer in optimizers
    ]
    stream = _new_stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_CALLS):
            step()
        with torch.no_grad():
            for tensor, value in zip(changed, before, strict=True):
                tensor.copy_(value)
            for optimizer, kept in zip(optimizers, moments, strict=True):
                for index, state in enumerate(optimizer.state.values()):
                    for name, value in state.items():
                        value.copy_(kept[index][name]) if kept else value.zero_()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        step()
    return graph


Work = Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]
"""Maps a prediction and a target to distances (N,) and, where it is wanted, their gradient."""

CALLS_BEFORE = 3
"""How often work comes up before it is recorded: validation pictures, each of its own size, never are."""

BRANCHES = 2
"""Pieces of work at a time; each needs memory of its own."""

KEPT = 16
"""Graphs that are kept; the one that was not used for longest goes first."""


def run_in_turn(works: Sequence[Work], pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
    """The sums of what several pieces of work give.

    Args:
        works: One or more, all with a gradient or all without.
        pred: (N, C, H, W).
        target: The same shape.
    """
    return _added(work(pred, target) for work in works)


class Recordings:
    """The graphs of one loss. A copy of it begins with none."""

    def __init__(self) -> None:
        self._seen: Counter[Hashable] = Counter()
        self._kept: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._works = True

    def __reduce__(self) -> tuple[type[Recordings], tuple[()]]:
        return Recordings, ()

    def run(self, key: Hashable, works: Sequence[Work], pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `run_in_turn`, from a graph where there is one.

        Args:
            key: What else than the images decides the result and the kernels; its parts must stay alive in `works`.
            works: What to do; the same for the same key.
            pred: (N, C, H, W).
            target: The same shape.
        """
        if not (self._works and pred.is_cuda):
            return run_in_turn(works, pred, target)
        key = (key, pred.shape, pred.dtype, target.dtype, pred.device)
        self._seen[key] += 1
        if self._seen[key] <= CALLS_BEFORE or torch.cuda.is_current_stream_capturing():
            return run_in_turn(works, pred, target)
        if key not in self._kept:
            try:
                self._kept[key] = _Recording(works, pred, target)
            except RuntimeError as error:
                self._works = False
                reason = str(error).splitlines()[0]
                warnings.warn(f"the loss runs without CUDA graphs, which take longer here: {reason}", stacklevel=2)
                return run_in_turn(works, pred, target)
            while len(self._kept) > KEPT:
                self._seen.pop(self._kept.popitem(last=False)[0])
        self._kept.move_to_end(key)
        return self._kept[key](pred, target)


class _Recording:
    """One graph, with branches that share the work.

    Args:
        works: What is recorded; kept, since the graph reads what it refers to.
        pred: Of the shape that the graph is for.
        target: Likewise.
    """

    @torch.no_grad()
    @torch.inference_mode(False)  # a graph that a validation made shall serve trainings too
    def __init__(self, works: Sequence[Work], pred: Tensor, target: Tensor) -> None:
        self._kept = works
        self._pred, self._target = pred.clone(), target.clone()
        stream, *branches = (_new_stream(pred.device) for _ in range(1 + BRANCHES))
        stream.wait_stream(torch.cuda.current_stream(pred.device))
        with torch.cuda.stream(stream):
            self._side_by_side(stream, branches)
        torch.cuda.synchronize(pred.device)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=stream, capture_error_mode="thread_local"):
            self._result = self._side_by_side(stream, branches)

    def __call__(self, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor | None]:
        """Replay; the result is the caller's own."""
        self._pred.copy_(pred)
        self._target.copy_(target)
        self._graph.replay()
        distances, gradient = self._result
        return distances.clone(), None if gradient is None else gradient.clone()

    def _side_by_side(
        self, stream: torch.cuda.Stream, branches: Sequence[torch.cuda.Stream]
    ) -> tuple[Tensor, Tensor | None]:
        for branch in branches:
            branch.wait_stream(stream)
        found = []  # all results live until the branches are joined, so that no branch takes the memory of another
        for work, branch in zip(self._kept, itertools.cycle(branches), strict=False):
            with torch.cuda.stream(branch):
                found.append(work(self._pred, self._target))
        for branch in branches:
            stream.wait_stream(branch)
        return _added(found)


def _added(results: Iterable[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor | None]:
    (distances, gradient), *others = results
    for more, slope in others:
        distances = distances + more
        if gradient is not None and slope is not None:
            gradient = gradient + slope
    return distances, gradient


def _new_stream(device: torch.device | None = None) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
