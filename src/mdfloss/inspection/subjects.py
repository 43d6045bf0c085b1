"""What can be inspected: any function, and the losses that names and expressions stand for, taken apart into terms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor, nn

from mdfloss.loss import MDFLoss
from mdfloss.losses import MSELoss, RMSELoss, WeightedSum, build_loss
from mdfloss.pretrained import list_banks

from .curvature import FeatureForm, Term
from .gain import LossFunction

__all__ = ["InspectedLoss", "loss_terms", "read_losses", "short_names"]


@dataclass(frozen=True)
class InspectedLoss:
    """A loss to inspect.

    Args:
        name: What tables and plots call it.
        loss: (pred, target), N×3×H×W → the mean over the batch; differentiable with respect to `pred`.
        terms: The loss as a weighted sum, with the feature form of each where there is one; the loss itself by default.
        layers: (pred, target) → (scales, maps), what each contributes to the loss, for a loss that has them.
    """

    name: str
    loss: LossFunction
    terms: Sequence[Term] = ()
    layers: LossFunction | None = None


def read_losses(texts: Sequence[str]) -> list[InspectedLoss]:
    """The losses that texts stand for, under short names.

    Args:
        texts: Names or paths of banks, with `@DEFINITION` where wanted, or expressions as `build_loss` reads them.

    Returns:
        One for each text. A loss that would draw scales in each step is taken with all of them: that is what its
        draws are on average.

    Raises:
        ValueError: A text is no loss.
        FileNotFoundError: A bank's file is missing.
    """
    return [_read(text, name) for text, name in zip(texts, short_names(texts), strict=True)]


def _read(text: str, name: str) -> InspectedLoss:
    bank = text.partition("@")[0]
    loss = build_loss(f"mdf:{text}" if Path(bank).is_file() or bank in list_banks() else text)
    for part in loss.modules():
        if isinstance(part, MDFLoss):
            part.scales_per_step = None
    layers = loss.per_scale if isinstance(loss, MDFLoss) else None
    return InspectedLoss(name, loss, loss_terms(loss), layers)


def short_names(texts: Sequence[str]) -> list[str]:
    """Texts of losses without the folders and suffixes of the files in them, where that leaves them distinct.

    Args:
        texts: As `read_losses` takes them.

    Returns:
        A name for each.

    Examples:
        >>> short_names(["mdf:/banks/x.safetensors@paper", "l1"])
        ['mdf:x@paper', 'l1']
    """
    short = [re.sub(r"[^:+*@]*/(?=[^:+*@]*\.safetensors)", "", text).replace(".safetensors", "") for text in texts]
    return [name if short.count(name) == 1 else text for name, text in zip(short, texts, strict=True)]


def loss_terms(loss: nn.Module, weight: float = 1.0) -> list[Term]:
    """The losses of a sum; an MDF loss of differences as one of its maps, scale after scale, and one of its pixels.

    Args:
        loss: Any loss.
        weight: Multiplies all terms.

    Returns:
        Terms whose weighted sum is the loss times the weight.
    """
    if isinstance(loss, WeightedSum):
        pairs = zip(loss.losses, loss.weights, strict=True)
        return [term for one, factor in pairs for term in loss_terms(one, weight * factor)]
    if not isinstance(loss, MDFLoss):
        return [Term(loss, weight)]
    definition = loss.definition
    if definition.comparison == "structure" or definition.pyramid:
        return [Term(loss, weight)]
    maps = MDFLoss(loss.bank, definition=replace(definition, pixel_rms=0.0, pixel_mse=0.0, map_weight=1.0))
    is_absolute = definition.comparison == "absolute"
    form = FeatureForm([_Scale(maps, index) for index in range(len(maps.bank))], absolute=is_absolute)
    kinds = ((RMSELoss(), definition.pixel_rms), (MSELoss(), definition.pixel_mse))
    pixels = [Term(pixel, weight * share) for pixel, share in kinds if share]
    return [Term(maps, weight * definition.map_weight, form), *pixels]


class _Scale:
    """The maps of one scale."""

    def __init__(self, loss: MDFLoss, scale_index: int) -> None:
        self.loss, self.scale_index = loss, scale_index

    def __call__(self, image: Tensor) -> list[Tensor]:
        return self.loss.maps(image, self.scale_index)
