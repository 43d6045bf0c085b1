"""How long a training will take on this machine, from a few steps that are thrown away."""

from __future__ import annotations

import time

import torch
from torch import nn

from .networks import RestorationNetwork

__all__ = ["seconds_a_step"]

PROBE_STEPS = 2


def seconds_a_step(
    network: RestorationNetwork,
    loss: nn.Module,
    *,
    batch_size: int,
    patch_size: int,
    device: torch.device = torch.device("cpu"),  # noqa: B008
    probes: int = PROBE_STEPS,
) -> float:
    """Time one training step: forward, loss and backward.

    Args:
        network: What would be trained; it moves to the device, and its gradients are dropped again.
        loss: With which loss; it moves too.
        batch_size: Patches in a step.
        patch_size: Side of a clean patch, px.
        device: Where to compute.
        probes: Timed steps.

    Returns:
        Seconds of the fastest step after one for warming up: other load on the machine weighs least in it.
    """
    random = torch.Generator().manual_seed(0)
    clean = torch.rand(batch_size, network.in_channels, patch_size, patch_size, generator=random).to(device)
    side = patch_size // network.upscale
    network.to(device)
    loss.to(device)
    seconds = []
    for _ in range(1 + probes):
        started = time.monotonic()
        loss(network(clean[..., :side, :side]), clean).backward()
        if device.type != "cpu":
            torch.accelerator.synchronize()
        seconds.append(time.monotonic() - started)
    network.zero_grad(set_to_none=True)
    return min(seconds[1:])
