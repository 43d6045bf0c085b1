"""How long a training will take on this machine, from a few steps that are thrown away."""

from __future__ import annotations

import time

import torch
from torch import nn

from .networks import RestorationNetwork

__all__ = ["seconds_a_step"]

PROBE_STEPS = 2


def seconds_a_step(network: RestorationNetwork, loss: nn.Module, *, batch_size: int, patch_size: int) -> float:
    """Time one training step: forward, loss and backward.

    Args:
        network: What would be trained; its gradients are dropped again.
        loss: With which loss.
        batch_size: Patches in a step.
        patch_size: Side of a clean patch, px.

    Returns:
        Seconds a step, after one for warming up.
    """
    random = torch.Generator().manual_seed(0)
    clean = torch.rand(batch_size, network.in_channels, patch_size, patch_size, generator=random)
    side = patch_size // network.upscale
    started = 0.0
    for step in range(1 + PROBE_STEPS):
        started = time.monotonic() if step == 1 else started
        loss(network(clean[..., :side, :side]), clean).backward()
    seconds = time.monotonic() - started
    network.zero_grad(set_to_none=True)
    return seconds / PROBE_STEPS
