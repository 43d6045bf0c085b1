"""Adversarial training: SRGAN, and ESRGAN with its relativistic critic, around any reconstruction loss.

Section 4.4 of the paper puts MDF in the place of ESRGAN's VGG and pixel terms; here the reconstruction is the
config's `loss`, so that `"mdf:…"` and `"mse+vgg"` are trained by the same code. The critic is a VGG-style
discriminator of its own; the loss's discriminators stay frozen.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from mdfloss.data import Pair
from mdfloss.losses import build_loss
from mdfloss.networks import RestorationNetwork, VGGDiscriminator, initialise

from .config import Hardware, TrainConfig
from .loop import TrainResult, run
from .module import TrainingModule, first_network

__all__ = ["AdversarialConfig", "AdversarialModule", "GanLosses", "GanVariant", "gan_losses", "train_adversarial"]

GanVariant = Literal["esrgan", "srgan"]


class _Published(NamedTuple):
    """What a paper plays with."""

    weight: float
    num_stages: int
    hidden: int


PUBLISHED = {"esrgan": _Published(5e-3, 5, 100), "srgan": _Published(1e-3, 4, 1024)}


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    """The game between network and critic.

    Both papers start it from a network trained without critic: see the config's `start`.

    Args:
        game: "esrgan" (relativistic average, Wang et al. 2018) or "srgan" (Ledig et al. 2017).
        weight: Of the adversarial term beside the reconstruction loss; the published one by default.
        num_features: Channels of the critic's first stage.
        num_stages: Halvings of the critic, the published 5 or 4 by default; the patch must be a multiple of
            2^num_stages.
    """

    game: GanVariant = "esrgan"
    weight: float | None = None
    num_features: int = 64
    num_stages: int | None = None

    def __post_init__(self) -> None:
        if self.game not in PUBLISHED:
            raise ValueError(f"game must be one of {', '.join(PUBLISHED)}, got {self.game!r}")
        for name in ("weight", "num_stages"):
            value = getattr(self, name)
            if value is None:
                object.__setattr__(self, name, getattr(PUBLISHED[self.game], name))
            elif not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")

    def critic(self, *, patch_size: int, in_channels: int) -> VGGDiscriminator:
        """The critic of the game, its weights not drawn yet.

        Args:
            patch_size: Side of the clean patches, px.
            in_channels: Channels of the patches.

        Raises:
            ValueError: The patch does not fit the halvings.
        """
        published = PUBLISHED[self.game]
        return VGGDiscriminator(
            patch_size=patch_size,
            num_features=self.num_features,
            num_stages=self.num_stages or published.num_stages,
            hidden=published.hidden,
            in_channels=in_channels,
        )


class GanLosses(NamedTuple):
    """What each side pays.

    Attributes:
        network: Adversarial term of the network.
        critic: Loss of the critic.
    """

    network: Tensor
    critic: Tensor


def gan_losses(game: GanVariant, real: Tensor, fake: Tensor) -> GanLosses:
    """Both sides' losses from the critic's scores.

    Args:
        game: "srgan" scores each image alone; "esrgan" how much more real it is than the mean of the other kind.
        real: Scores of clean patches, (N, 1).
        fake: Scores of restored patches, (N, 1).
    """
    if game == "srgan":
        return GanLosses(_says(fake, real=True), (_says(real, real=True) + _says(fake, real=False)) / 2)
    real_margin, fake_margin = real - fake.mean(), fake - real.mean()
    return GanLosses(
        (_says(real_margin, real=False) + _says(fake_margin, real=True)) / 2,
        (_says(real_margin, real=True) + _says(fake_margin, real=False)) / 2,
    )


def _says(score: Tensor, *, real: bool) -> Tensor:
    return binary_cross_entropy_with_logits(score, torch.full_like(score, float(real)))


class AdversarialModule(TrainingModule):
    """A network and its critic, one step each in turn.

    Args:
        config: What to do; `loss` is the reconstruction term.
        network: What is trained.
        loss: Frozen.
        adversarial: The game.
        critic: Scores patches.
    """

    MEANS: ClassVar[tuple[str, ...]] = ("train_loss", "adversarial_loss", "critic_loss", "gradient_norm")

    def __init__(
        self,
        config: TrainConfig,
        network: RestorationNetwork,
        loss: nn.Module,
        *,
        adversarial: AdversarialConfig,
        critic: VGGDiscriminator,
    ) -> None:
        super().__init__(config, network, loss)
        self.automatic_optimization = False
        self.adversarial = adversarial
        self.critic = critic

    def trained(self) -> dict[str, nn.Module]:
        """Network and critic."""
        return {"network": self.network, "critic": self.critic}

    def training_step(self, batch: Pair, batch_idx: int) -> None:  # noqa: ARG002
        """One step of the network, then one of the critic on the same restored patches."""
        of_network, of_critic = self._optimizers()
        pred = self.network(batch.distorted)
        self.check_finite(pred, "the network's output")

        self.critic.requires_grad_(False)
        with torch.no_grad():
            real = self.critic(batch.clean)
        reconstruction = self.loss(pred, batch.clean)
        adversarial = gan_losses(self.adversarial.game, real, self.critic(pred)).network
        of_network.zero_grad()
        self.manual_backward(reconstruction + (self.adversarial.weight or 0.0) * adversarial)
        self.add("gradient_norm", self.clip(self.network))
        of_network.step()
        self.critic.requires_grad_(True)

        scores = self.critic(batch.clean), self.critic(pred.detach())
        critic_loss = gan_losses(self.adversarial.game, *scores).critic
        of_critic.zero_grad()
        self.manual_backward(critic_loss)
        self.clip(self.critic)
        of_critic.step()
        for name, value in zip(self.MEANS, (reconstruction, adversarial, critic_loss), strict=False):
            self.add(name, value)


def train_adversarial(
    config: TrainConfig,
    adversarial: AdversarialConfig,
    output: str | Path,
    *,
    hardware: Hardware | None = None,
    resume: bool = False,
    progress: bool = False,
) -> TrainResult:
    """Train a restoration network against a critic; files, resuming and checkpoints as in `train`.

    Args:
        config: What to do; `loss` is the reconstruction term.
        adversarial: The game.
        output: Folder for the run.
        hardware: Where to compute: one device, since network and critic take turns within a step, which DDP does
            not average.
        resume: Go on with the run in `output`.
        progress: Show a progress bar.

    Raises:
        ValueError: More than one device, the patch does not fit the critic, or the start is another network than the
            config's; besides, what `train` raises.
    """
    hardware = hardware or Hardware()
    if hardware.devices * hardware.num_nodes > 1:
        raise ValueError(
            f"adversarial training runs on one device, got {hardware.devices} devices on {hardware.num_nodes} nodes: "
            "train without a critic on many, then go on from that network with start"
        )
    generator = torch.Generator().manual_seed(config.seed)
    network = first_network(config, generator)
    critic = adversarial.critic(patch_size=config.data.patch_size, in_channels=network.in_channels)
    initialise(critic, generator)
    module = AdversarialModule(config, network, build_loss(config.loss), adversarial=adversarial, critic=critic)
    record = {**config.to_dict(), "adversarial": dataclasses.asdict(adversarial)}
    return run(module, record, output, hardware=hardware, resume=resume, progress=progress)
