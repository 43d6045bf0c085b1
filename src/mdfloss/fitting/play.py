"""One iteration of a scale's game: crops, a fresh distortion, the critic's steps and the generator's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from ..recording import record
from .chain import Chain, GameInput
from .config import FitConfig
from .scale_gan import Game, Losses, Players, critic_loss, generator_loss
from .windows import random_windows

__all__ = ["play", "play_crops"]


def play_crops(
    players: Players,
    chains: Sequence[Chain],
    scale_index: int,
    config: FitConfig,
    *,
    generator: torch.Generator,
) -> Losses:
    """One iteration on crops of one seed, each seed as likely as the others.

    Args:
        players: Networks and optimisers of the scale; changed in place.
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
    return play(
        players,
        chain.feed(scale_index, window, generator),
        critic_steps=config.critic_steps,
        generator_steps=config.generator_steps,
        alpha=config.alpha,
        generator=generator,
    )


def play(
    players: Players,
    feed: GameInput,
    *,
    critic_steps: int,
    generator_steps: int,
    alpha: float,
    generator: torch.Generator,
) -> Losses:
    """One iteration: the critic's steps, then the generator's, each of these with a fresh fake.

    Args:
        players: Networks and optimisers of the scale; changed in place.
        feed: What the iteration plays on.
        critic_steps: Steps of the critic.
        generator_steps: Steps of the generator.
        alpha: Weight of the reconstruction.
        generator: Source of the mixtures in the penalty.
    """
    mixes = torch.rand(critic_steps, len(feed.real), 1, 1, 1, generator=generator, device=feed.real.device)
    iteration = partial(_iteration, players, generator_steps=generator_steps, alpha=alpha)
    play_on = partial(_recorded, players, iteration) if mixes.is_cuda else iteration
    return Losses(*play_on(*feed, mixes).tolist())


def _iteration(
    players: Players,
    padded: Tensor,
    previous: Tensor,
    real: Tensor,
    mixes: Tensor,
    *,
    generator_steps: int,
    alpha: float,
) -> Tensor:
    """An iteration without chance; the figures of `Losses` as one tensor."""
    players.generator.train()
    players.critic.train().requires_grad_(True)
    with torch.no_grad():
        fake = players.generator(padded, previous)
    for mix in mixes:
        loss, penalty = critic_loss(players.critic, real, fake, mix)
        _step(players.critic_optimizer, loss)
    players.critic.requires_grad_(False)
    for _ in range(generator_steps):
        fresh = players.generator(padded, previous)
        total, adversarial, reconstruction = generator_loss(players.critic, real, fresh, alpha=alpha)
        _step(players.generator_optimizer, total)
    return torch.stack([loss, penalty, adversarial, reconstruction]).detach()


def _recorded(players: Players, iteration: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    """The same from a CUDA graph, which is made for the first inputs of their shapes."""
    key = tuple(tensor.shape for tensor in inputs)
    if key not in players.games:
        own = tuple(tensor.clone() for tensor in inputs)
        figures = torch.zeros(len(Losses._fields), device=own[0].device)
        networks = (players.generator, players.critic)
        graph = record(
            lambda: figures.copy_(iteration(*own)),
            changed=[tensor for network in networks for tensor in network.state_dict().values()],
            optimizers=players.optimizers,
        )
        players.games[key] = Game(own, graph, figures)
    game = players.games[key]
    for tensor, value in zip(game.inputs, inputs, strict=True):
        tensor.copy_(value)
    game.graph.replay()
    return game.figures


def _step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
