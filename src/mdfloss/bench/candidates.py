"""The losses that are measured: those of the paper's table, the shipped banks, and yours.

VGG and LPIPS have random weights here: their cost does not depend on the weights, and nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mdfloss.bank import BankCard, Discriminator, DiscriminatorBank
from mdfloss.definitions import DEFINITIONS
from mdfloss.loss import MDFLoss, mdf_loss
from mdfloss.losses import ImageLoss, build_loss
from mdfloss.pretrained import list_banks

__all__ = [
    "L1",
    "OFFICIAL_WIDTHS",
    "VGG",
    "Candidate",
    "RandomTrunkLoss",
    "own_candidates",
    "random_bank",
    "standard_candidates",
]

OFFICIAL_WIDTHS = (32, 32, 32, 32, 64, 64, 64, 64)
"""Widths of the authors' bank for JPEG, and of the eight scales that their code uses of the other."""

ALEXNET_TAPS = (2, 5, 8, 10, 12)
VGG16_TAPS = (4, 9, 16, 23, 30)
RELU4_3 = 23
"""Layers of VGG16 up to relu4_3."""

L1, VGG = "l1", "vgg16 to relu4_3 (random weights)"
"""Names of the losses that the others are related to."""


class Candidate(NamedTuple):
    """A loss to be measured.

    Attributes:
        name: What the table calls it.
        build: Makes it; can be pickled, since memory is measured in another process.
    """

    name: str
    build: Callable[[], nn.Module]


def own_candidates(expressions: Sequence[str]) -> list[Candidate]:
    """Losses by expression.

    Args:
        expressions: As `mdfloss.losses.build_loss` takes them.
    """
    return [Candidate(expression, partial(build_loss, expression)) for expression in expressions]


def standard_candidates() -> list[Candidate]:
    """The losses of the paper's table and the shipped banks."""
    names = [L1, "mse", "charbonnier", "ssim", "ms_ssim", "ms_ssim+l1"]
    shipped = [f"mdf:{name}" for name in list_banks()]
    whitened = partial(_random_mdf, "whitened")
    return [
        *own_candidates(names),
        Candidate(VGG, partial(RandomTrunkLoss, "vgg16", (RELU4_3,))),
        Candidate("lpips alex (random weights)", partial(RandomTrunkLoss, "alexnet", ALEXNET_TAPS)),
        Candidate("lpips vgg (random weights)", partial(RandomTrunkLoss, "vgg16", VGG16_TAPS)),
        Candidate("mdf official, plain (random bank)", _PlainMDF),
        Candidate("mdf official (random bank)", partial(_random_mdf, "official")),
        Candidate("mdf whitened (random bank)", whitened),
        Candidate("mdf whitened, 2 of 8 scales a step (random bank)", partial(whitened, scales_per_step=2)),
        *own_candidates(shipped),
    ]


def random_bank(widths: Sequence[int] = OFFICIAL_WIDTHS, *, seed: int = 0) -> DiscriminatorBank:
    """A bank of random weights, with identities for whitening matrices: it costs what a fitted one costs.

    Args:
        widths: Channels of each scale.
        seed: Decides the weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        bank = DiscriminatorBank(map(Discriminator, widths), BankCard(task="benchmark", widths=tuple(widths)))
    for discriminator in bank:
        discriminator.whitening = torch.eye(discriminator.width).repeat(4, 1, 1)
    return bank.eval()


def _random_mdf(definition: str, *, scales_per_step: int | None = None) -> MDFLoss:
    return MDFLoss(random_bank(), definition=definition, scales_per_step=scales_per_step)


class _PlainMDF(MDFLoss):
    """The authors' definition without the engine."""

    def __init__(self) -> None:
        super().__init__(random_bank(), definition="official")

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        return mdf_loss(pred, target, self.bank, definition=DEFINITIONS["official"])


class RandomTrunkLoss(ImageLoss):
    """The work of VGG's and LPIPS's loss, with random weights: to be timed, not to be trained with.

    One tap compares the last map, squared, as VGG does; several compare, as LPIPS does, maps of unit length at each
    pixel, with a weight for each channel.

    Args:
        network: "vgg16" or "alexnet".
        taps: Numbers of layers after which maps are compared.
    """

    min_size = 32

    def __init__(self, network: str, taps: Sequence[int]) -> None:
        super().__init__()
        import torchvision

        with torch.device("meta"):  # the classifier, most of the weights, is never made
            layers = torchvision.models.get_model(network, weights=None).features[: taps[-1]]
        layers.to_empty(device="cpu")
        random = torch.Generator().manual_seed(0)
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, generator=random)
                layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
        self.parts = nn.ModuleList(layers[start:stop] for start, stop in pairwise((0, *taps)))
        self.requires_grad_(False)

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        with torch.no_grad():
            wanted = self._maps(target)
        pairs = list(zip(self._maps(pred), wanted, strict=True))
        if len(pairs) == 1:
            return (pairs[0][0] - pairs[0][1]).square().mean((1, 2, 3))
        terms = [(self._unit(a) - self._unit(b)).square().mul(1 / a.shape[1]).sum(1).mean((1, 2)) for a, b in pairs]
        return torch.stack(terms).sum(0)

    def _maps(self, image: Tensor) -> list[Tensor]:
        maps, x = [], image * 2 - 1
        for part in self.parts:
            x = part(x)
            maps.append(x)
        return maps

    @staticmethod
    def _unit(maps: Tensor) -> Tensor:
        return maps / (maps.square().sum(1, keepdim=True).sqrt() + 1e-10)
