"""Losses by name and by expression: `"l1"`, `"mdf:bank.safetensors@paper"`, `"mse+0.1*l1"`.

An expression is a sum of terms; a term is a name, or a weight and a name joined by `*`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor, nn

from .images import check_images
from .loss import MDFLoss

__all__ = ["LOSSES", "L1Loss", "MSELoss", "WeightedSum", "build_loss"]


class L1Loss(nn.Module):
    """Mean absolute difference.

    Shape:
        pred, target: (N, C, H, W); target in [0, 1]. Result: scalar.
    """

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Mean over everything."""
        check_images(pred, target)
        return nn.functional.l1_loss(pred.float(), target.float())


class MSELoss(nn.Module):
    """Mean squared difference, L2.

    Shape:
        pred, target: (N, C, H, W); target in [0, 1]. Result: scalar.
    """

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """Mean over everything."""
        check_images(pred, target)
        return nn.functional.mse_loss(pred.float(), target.float())


class WeightedSum(nn.Module):
    """Σ weight · loss.

    Args:
        losses: Modules with `forward(pred, target)`.
        weights: One for each.
    """

    def __init__(self, losses: list[nn.Module], weights: list[float]) -> None:
        super().__init__()
        self.losses = nn.ModuleList(losses)
        self.weights = weights

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """The weighted sum of the losses' values."""
        values = [w * loss(pred, target) for w, loss in zip(self.weights, self.losses, strict=True)]
        total: Tensor = sum(values[1:], values[0])
        return total


def _mdf(argument: str) -> nn.Module:
    bank, _, definition = argument.rpartition("@") if "@" in argument else (argument, "", None)
    if not bank:
        raise ValueError("mdf needs a bank: mdf:NAME or mdf:PATH, and if wanted @DEFINITION")
    return MDFLoss(bank, definition=definition)


def _plain(kind: type[nn.Module]) -> Callable[[str], nn.Module]:
    def build(argument: str) -> nn.Module:
        if argument:
            raise ValueError(f"{kind.__name__} takes nothing after a colon, got {argument!r}")
        return kind()

    return build


LOSSES: dict[str, Callable[[str], nn.Module]] = {
    "l1": _plain(L1Loss),
    "mse": _plain(MSELoss),
    "l2": _plain(MSELoss),
    "mdf": _mdf,
}
"""Name → what builds the loss from the text after the name's colon."""


class _Term(NamedTuple):
    weight: float
    name: str
    argument: str


def build_loss(expression: str) -> nn.Module:
    """The loss that an expression describes.

    Args:
        expression: Names joined by `+`, each with a weight before it if wanted: `"mse+0.1*l1"`. `mdf` takes a
            bank after a colon, and a definition after `@`: `"mdf:denoise"`, `"l1+0.5*mdf:my.safetensors@paper"`.

    Returns:
        A module with `forward(pred, target)` that gives a float32 scalar; it has no trainable parameter.

    Raises:
        ValueError: The expression cannot be read, or a name is unknown.
        FileNotFoundError: A bank does not exist.
    """
    terms = [_parse(term, expression) for term in expression.split("+")]
    losses = [LOSSES[term.name](term.argument) for term in terms]
    weights = [term.weight for term in terms]
    loss = losses[0] if weights == [1.0] else WeightedSum(losses, weights)
    return loss.requires_grad_(False).eval()


def _parse(text: str, expression: str) -> _Term:
    weight, star, rest = text.strip().partition("*")
    name, _, argument = (rest if star else weight).strip().partition(":")
    if name not in LOSSES:
        raise ValueError(f"loss {expression!r}: {name!r} is not one of {', '.join(LOSSES)}")
    try:
        factor = float(weight) if star else 1.0
    except ValueError as error:
        raise ValueError(f"loss {expression!r}: {weight!r} is not a number") from error
    if not 0 < factor < float("inf"):
        raise ValueError(f"loss {expression!r}: the weight of {name} must be positive, got {factor}")
    return _Term(factor, name, argument)
