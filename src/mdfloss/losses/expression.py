"""Losses by name and by expression: `"l1"`, `"mdf:bank.safetensors@paper"`, `"mse+0.1*lpips"`.

An expression is a sum of terms; a term is a name, or a weight and a name joined by `*`. One sum has a meaning of its
own: `"ms_ssim+l1"` is the published mix with weights 0.84 and 0.16, not 1 and 1.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import NamedTuple

import safetensors.torch
from torch import Tensor, nn

from mdfloss.definitions import resolve_definition
from mdfloss.loss import MDFLoss
from mdfloss.pretrained import load_bank

from .deep import LPIPSLoss, VGGLoss
from .pixel import CharbonnierLoss, FrequencyLoss, L1Loss, MSELoss, RMSELoss
from .structure import MSSSIML1Loss, MSSSIMLoss, SSIMLoss

__all__ = ["LOSSES", "WeightedSum", "banks_digest", "build_loss"]

_MDF_ARGUMENT = re.compile(r"(.*?)(?:@(\w*)(?:/([^/@.]*))?)?", re.DOTALL)
"""BANK, BANK@DEFINITION or BANK@DEFINITION/SCALES; a path may hold an @ of its own."""

_PIECE = re.compile(r"\+((?:\s*[\d.]+[eE]\+(?=\d))?[^+]*)")
"""What follows a +, up to the next that is not in the exponent of a weight: 1e+06*l1 is one piece."""


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


def _mdf_parts(argument: str) -> tuple[str, str | None, str | None]:
    """Bank, definition and scales of a step."""
    found = _MDF_ARGUMENT.fullmatch(argument)
    bank, definition, count = found.groups() if found else (argument, None, None)
    if not bank:
        raise ValueError("mdf needs a bank: mdf:NAME or mdf:PATH, and if wanted @DEFINITION")
    return bank, definition, count


def _mdf(argument: str) -> nn.Module:
    bank, definition, count = _mdf_parts(argument)
    drawn = int(count) if count and count.isdecimal() else count
    return MDFLoss(bank, definition=definition or None, scales_per_step=drawn)


def _plain(kind: type[nn.Module]) -> Callable[[str], nn.Module]:
    def build(argument: str) -> nn.Module:
        if argument:
            raise ValueError(f"{kind.__name__} takes nothing after a colon, got {argument!r}")
        return kind()

    return build


def _with_weights(kind: Callable[..., nn.Module]) -> Callable[[str], nn.Module]:
    return lambda argument: kind(weights=argument or None)


LOSSES: dict[str, Callable[[str], nn.Module]] = {
    "l1": _plain(L1Loss),
    "mse": _plain(MSELoss),
    "l2": _plain(MSELoss),
    "rmse": _plain(RMSELoss),
    "charbonnier": _plain(CharbonnierLoss),
    "fft": _plain(FrequencyLoss),
    "ssim": _plain(SSIMLoss),
    "ms_ssim": _plain(MSSSIMLoss),
    "ms_ssim_l1": _plain(MSSSIML1Loss),
    "vgg": _with_weights(VGGLoss),
    "lpips": _with_weights(LPIPSLoss),
    "mdf": _mdf,
}
"""Name → what builds the loss from the text after the name's colon."""

PUBLISHED_SUMS = {"ms_ssim+l1": "ms_ssim_l1"}
"""Sums that mean one published loss."""


class _Term(NamedTuple):
    weight: float
    name: str
    argument: str


def build_loss(expression: str) -> nn.Module:
    """The loss that an expression describes.

    Args:
        expression: Names joined by `+`, each with a weight before it if wanted: `"mse+0.1*l1"`. `mdf` takes a
            bank after a colon, and a definition after `@`: `"mdf:denoise"`, `"l1+0.5*mdf:my.safetensors@paper"`,
            which a slash and a number of scales to draw in each step, or its name, may follow:
            `"mdf:denoise@balanced/fast"`; `vgg` and `lpips` may take the file of their network's weights.

    Returns:
        A module with `forward(pred, target)` that gives a float32 scalar; it has no trainable parameter.

    Raises:
        ValueError: The expression cannot be read, or a name is unknown.
        OSError: A bank or the weights of a network are not at hand.
    """
    terms = _terms(expression)
    losses = [LOSSES[term.name](term.argument) for term in terms]
    weights = [term.weight for term in terms]
    loss = losses[0] if weights == [1.0] else WeightedSum(losses, weights)
    return loss.requires_grad_(False).eval()


def banks_digest(expression: str) -> str | None:
    """SHA-256 of what the banks in an expression have learnt and of how they are read.

    An expression names files and definitions; a file can be replaced, and a definition be another in another version.

    Args:
        expression: As for `build_loss`.

    Returns:
        Hexadecimal digits, or None where there is no bank.

    Raises:
        ValueError: The expression cannot be read.
        OSError: A bank is not at hand.
    """
    parts = [_mdf_parts(term.argument) for term in _terms(expression) if term.name == "mdf"]
    digest = hashlib.sha256()
    for name, definition, _ in parts:
        bank = load_bank(name)
        tensors = {key: value.contiguous() for key, value in bank.state_dict().items()}
        digest.update(safetensors.torch.save(tensors))
        digest.update(repr(resolve_definition(definition or None, bank)).encode())
    return digest.hexdigest() if parts else None


def _terms(expression: str) -> list[_Term]:
    whole = PUBLISHED_SUMS.get(expression.replace(" ", ""), expression)
    return [_parse(term, expression) for term in _split(whole)]


def _split(expression: str) -> list[str]:
    """The terms; a + in a path is told from one between terms by the name that would follow."""
    terms: list[str] = []
    for piece in _PIECE.findall(f"+{expression}"):
        if terms and ":" in terms[-1] and _head(piece)[1] not in LOSSES:
            terms[-1] += f"+{piece}"
        else:
            terms.append(piece)
    return terms


def _head(term: str) -> tuple[str | None, str, str]:
    """Weight, name and argument, as they are written."""
    head, colon, argument = term.strip().partition(":")
    weight, star, name = head.rpartition("*")
    return weight if star else None, name.strip(), argument if colon else ""


def _parse(text: str, expression: str) -> _Term:
    weight, name, argument = _head(text)
    if name not in LOSSES:
        raise ValueError(f"loss {expression!r}: {name!r} is not one of {', '.join(LOSSES)}")
    try:
        factor = 1.0 if weight is None else float(weight)
    except ValueError as error:
        raise ValueError(f"loss {expression!r}: {weight!r} is not a number") from error
    if not 0 < factor < float("inf"):
        raise ValueError(f"loss {expression!r}: the weight of {name} must be positive, got {factor}")
    return _Term(factor, name, argument.strip())
