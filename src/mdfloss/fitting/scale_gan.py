"""The generator and the critic of one scale, trained against each other (paper section 3.1, Eq. 1, after SinGAN).

Eq. 1 is a WGAN-GP with a reconstruction term, alpha = 100:

    critic:     -mean D(real) + mean D(fake) + 0.1 * mean over pixels of (|grad D(mixed)| over channels - 1)^2
    generator:  -mean D(fake) + alpha * mean (fake - real)^2

Both networks have five 3×3 convolutions; batch normalisation uses the batch's statistics in every step, and the
running statistics, which phase 2 uses, follow every pass as in SinGAN.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from mdfloss.bank import ConvBlock, Discriminator
from mdfloss.recording import make_capturable, set_rate

__all__ = [
    "Generator",
    "Losses",
    "RecordedIteration",
    "ScaleNetworks",
    "critic_loss",
    "generator_loss",
    "gradient_penalty",
    "learning_rate",
]

PENALTY_WEIGHT = 0.1
LEARNING_RATE = 5e-4
BETAS = (0.5, 0.999)
DECAY_AT, DECAY = 0.8, 0.1
INITIAL_STD = 0.02

Network = TypeVar("Network", bound=nn.Module)


class Generator(nn.Module):
    """The generator G^k of one scale: head, three body blocks and a three-channel tail with tanh.

    Args:
        width: Channels of every hidden map.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = ConvBlock(3, width)
        self.body = nn.Sequential(*(ConvBlock(width, width) for _ in range(3)))
        self.tail = nn.Conv2d(width, 3, 3)

    def forward(self, padded: Tensor, previous: Tensor) -> Tensor:
        """The fake image: tanh(net(padded)) + previous.

        Args:
            padded: (N, 3, H + 10, W + 10), the input with its zero margin of 5 px.
            previous: (N, 3, H, W), the upsampled output of the scale before.

        Returns:
            (N, 3, H, W).
        """
        fake: Tensor = torch.tanh(self.tail(self.body(self.head(padded)))) + previous
        return fake


class Losses(NamedTuple):
    """Figures of one iteration, from its last steps.

    Attributes:
        critic: Critic's loss with its penalty.
        penalty: Gradient penalty before its weight.
        adversarial: -mean D(fake) in the generator's step.
        reconstruction: Mean squared error between fake and real, in [-1, 1] units.
    """

    critic: float
    penalty: float
    adversarial: float
    reconstruction: float

    @property
    def finite(self) -> bool:
        """Whether every figure is a finite number."""
        return all(map(math.isfinite, self))


def learning_rate(iteration: int, *, iterations: int) -> float:
    """Adam's rate: 5e-4, and a tenth of it from 80 % of the iterations on."""
    return LEARNING_RATE * (DECAY if iteration >= DECAY_AT * iterations else 1.0)


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """WGAN-GP's penalty: mean over images and pixels of (|grad D(mixed)| over channels - 1)^2.

    Args:
        discriminator: The critic.
        real: (N, 3, H, W).
        fake: (N, 3, H, W).
        mix: (N, 1, 1, 1) in [0, 1], the share of `real` in the mixed image.

    Returns:
        A scalar with graph.
    """
    mixed = (mix * real + (1 - mix) * fake).detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(discriminator(mixed).sum(), mixed, create_graph=True)
    slope: Tensor = torch.linalg.vector_norm(gradient, dim=1)
    return (slope - 1).square().mean()


def critic_loss(discriminator: nn.Module, real: Tensor, fake: Tensor, mix: Tensor) -> tuple[Tensor, Tensor]:
    """The critic's part of Eq. 1.

    Args:
        discriminator: The critic.
        real: (N, 3, H, W).
        fake: (N, 3, H, W), without graph.
        mix: (N, 1, 1, 1) in [0, 1].

    Returns:
        The loss, and the penalty in it before its weight.
    """
    penalty = gradient_penalty(discriminator, real, fake, mix)
    loss = discriminator(fake).mean() - discriminator(real).mean() + PENALTY_WEIGHT * penalty
    return loss, penalty


def generator_loss(
    discriminator: nn.Module, real: Tensor, fake: Tensor, *, alpha: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The generator's part of Eq. 1.

    Args:
        discriminator: The critic.
        real: (N, 3, H, W).
        fake: (N, 3, H, W), with graph.
        alpha: Weight of the reconstruction.

    Returns:
        The loss, its adversarial and its reconstruction term before the weight.
    """
    adversarial = -discriminator(fake).mean()
    reconstruction = nn.functional.mse_loss(fake, real)
    return adversarial + alpha * reconstruction, adversarial, reconstruction


class RecordedIteration(NamedTuple):
    """An iteration that was recorded as a CUDA graph.

    Attributes:
        inputs: Where it looks for what the networks see.
        graph: Its replay is the iteration.
        figures: Where it leaves the losses.
    """

    inputs: tuple[Tensor, ...]
    graph: torch.cuda.CUDAGraph
    figures: Tensor


class ScaleNetworks:
    """The two networks of one scale and their optimisers.

    Args:
        width: Channels of their hidden maps.
        generator: Source of the first weights, and the device they live on.
        start: Networks of the scale before, when they have the same width: their weights are taken over.
    """

    def __init__(
        self, width: int, *, generator: torch.Generator, start: tuple[Generator, Discriminator] | None = None
    ) -> None:
        with torch.random.fork_rng(devices=[]):  # PyTorch's own first weights come from the global generator
            blank_generator, blank_critic = Generator(width), Discriminator(width)
        self.generator = _first_weights(blank_generator, generator)
        self.critic = _first_weights(blank_critic, generator)
        if start is not None:
            self.generator.load_state_dict(start[0].state_dict())
            self.critic.load_state_dict(start[1].state_dict())
        self.generator_optimizer, self.critic_optimizer = (
            torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, betas=BETAS)
            for network in (self.generator, self.critic)
        )
        self.graphs: dict[Hashable, RecordedIteration] = {}
        """On CUDA, the recorded iterations by the shapes of what the networks see."""
        self.restore(())

    def restore(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Go on with the optimisers' saved states.

        Args:
            states: Of the generator's and the critic's, or none.
        """
        for optimizer, state in zip(self.optimizers, states, strict=False):
            optimizer.load_state_dict(dict(state))
        device = next(self.critic.parameters()).device
        if device.type == "cuda":
            for optimizer in self.optimizers:
                make_capturable(optimizer, device)

    @property
    def optimizers(self) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
        """The generator's and the critic's."""
        return self.generator_optimizer, self.critic_optimizer

    @property
    def tensors(self) -> list[Tensor]:
        """All weights and statistics."""
        return [*self.generator.state_dict().values(), *self.critic.state_dict().values()]

    @property
    def finite(self) -> bool:
        """Whether all weights and statistics are finite numbers."""
        return all(bool(torch.isfinite(value).all()) for value in self.tensors)

    def set_rate(self, rate: float) -> None:
        """Set both optimisers' learning rate."""
        for optimizer in self.optimizers:
            set_rate(optimizer, rate)


def _first_weights(network: Network, generator: torch.Generator) -> Network:
    """Weights from N(0, 0.02), normalisation scales from N(1, 0.02), biases as PyTorch draws them."""
    network.to(generator.device)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data.normal_(0, INITIAL_STD, generator=generator)
            bound = 1 / math.sqrt(module.weight[0].numel())
            if module.bias is not None:
                module.bias.data.uniform_(-bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.weight.data.normal_(1, INITIAL_STD, generator=generator)
            module.bias.data.zero_()
    return network
