"""One iteration of a scale: crops, a fresh distortion, the critic's steps and the generator's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from mdfloss.recording import record

from .chain import Chain, ScaleInput
from .config import FitConfig
from .scale_gan import Losses, RecordedIteration, ScaleNetworks, critic_loss, generator_loss
from .windows import random_windows

__all__ = ["train_iteration", "train_on_crops"]


def train_on_crops(
    networks: ScaleNetworks,
    chains: Sequence[Chain],
    scale_index: int,
    config: FitConfig,
    *,
    generator: torch.Generator,
) -> Losses:
    """One iteration on crops of one seed, each seed as likely as the others.

    Args:
        networks: Networks and optimisers of the scale; changed in place.
        chains: Levels and coarser generators of every seed.
        scale_index: 0 = coarsest.
        config: Options of the fit.
        generator: Source of the places, the distortions and the penalty's mixtures.
    """
    chosen = int(torch.randint(len(chains), (), generator=generator, device=generator.device))
    chain = chains[chosen]
    window = random_windows(
        chain.size(scale_index),
        crop_size=config.crop_size,
        batch_size=config.batch_size,
        generator=generator,
    )
    return train_iteration(
        networks,
        chain.generator_input(scale_index, window, generator),
        critic_steps=config.critic_steps,
        generator_steps=config.generator_steps,
        alpha=config.alpha,
        generator=generator,
    )


def train_iteration(
    networks: ScaleNetworks,
    inputs: ScaleInput,
    *,
    critic_steps: int,
    generator_steps: int,
    alpha: float,
    generator: torch.Generator,
) -> Losses:
    """One iteration: the critic's steps, then the generator's, each of these with a fresh fake.

    Args:
        networks: Networks and optimisers of the scale; changed in place.
        inputs: What the networks see.
        critic_steps: Steps of the critic.
        generator_steps: Steps of the generator.
        alpha: Weight of the reconstruction.
        generator: Source of the mixtures in the penalty.
    """
    mixes = torch.rand(critic_steps, len(inputs.real), 1, 1, 1, generator=generator, device=inputs.real.device)
    iteration = partial(_iteration, networks, generator_steps=generator_steps, alpha=alpha)
    compute = partial(_recorded, networks, iteration) if mixes.is_cuda else iteration
    return Losses(*compute(*inputs, mixes).tolist())


def _iteration(
    networks: ScaleNetworks,
    padded: Tensor,
    previous: Tensor,
    real: Tensor,
    mixes: Tensor,
    *,
    generator_steps: int,
    alpha: float,
) -> Tensor:
    """An iteration without chance; the figures of `Losses` as one tensor."""
    networks.generator.train()
    networks.critic.train().requires_grad_(True)
    with torch.no_grad():
        fake = networks.generator(padded, previous)
    for mix in mixes:
        loss, penalty = critic_loss(networks.critic, real, fake, mix)
        _step(networks.critic_optimizer, loss)
    networks.critic.requires_grad_(False)
    for _ in range(generator_steps):
        fresh = networks.generator(padded, previous)
        total, adversarial, reconstruction = generator_loss(networks.critic, real, fresh, alpha=alpha)
        _step(networks.generator_optimizer, total)
    return torch.stack([loss, penalty, adversarial, reconstruction]).detach()


def _recorded(networks: ScaleNetworks, iteration: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """The same from a CUDA graph, which is made for the first inputs of their shapes."""
    key = tuple(tensor.shape for tensor in inputs)
    if key not in networks.graphs:
        own = tuple(tensor.clone() for tensor in inputs)
        figures = torch.zeros(len(Losses._fields), device=own[0].device)
        graph = record(
            lambda: figures.copy_(iteration(*own)),
            changed=networks.tensors,
            optimizers=networks.optimizers,
        )
        networks.graphs[key] = RecordedIteration(own, graph, figures)
    recorded = networks.graphs[key]
    for tensor, value in zip(recorded.inputs, inputs, strict=True):
        tensor.copy_(value)
    recorded.graph.replay()
    return recorded.figures


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
