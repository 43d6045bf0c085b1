"""CUDA graphs: a training step is recorded once, then replayed with a single launch.

Small kernels take a GPU less time than their launches take the host, and a step of a small network is hundreds of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

__all__ = ["make_capturable", "plain_state", "record", "set_rate"]

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
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
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
