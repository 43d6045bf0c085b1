"""What a fit was asked for: kept beside its checkpoints and in its bank, so that two fits can be told apart."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mdfloss.bank import BankCard, DiscriminatorBank
from mdfloss.distortions import Distortion, describe_distortion
from mdfloss.input_range import FITTED_RANGE
from mdfloss.resuming import differences
from mdfloss.version import __version__

from .config import FitConfig

__all__ = ["CheckpointError", "Request", "bank_card", "fit_request", "load_finished", "pixel_hash"]


class CheckpointError(ValueError):
    """A fit's state cannot be read, or belongs to another fit."""


@dataclass(frozen=True)
class Request:
    """All that determines a fit's result; a resumed fit must ask for the same.

    Args:
        task: Name of the task.
        distortion: `class_path` and `init_args`.
        seed_sha256: Hashes of the seeds' pixels, in order.
        config: Fields of `FitConfig`, with rho as it was chosen, and chroma where one was asked for.
    """

    task: str
    distortion: Mapping[str, Any]
    seed_sha256: tuple[str, ...]
    config: Mapping[str, Any]

    def flat(self) -> dict[str, Any]:
        """Every entry under the name that a message calls it."""
        values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        config = values.pop("config")
        return {**values, **config}

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """What differs from a saved request, as text."""
        return differences(other, self.flat())


def pixel_hash(image: Tensor) -> str:
    """SHA-256 over the shape and the float32 pixels of an image."""
    values = image.detach().cpu().to(torch.float32).contiguous()
    digest = hashlib.sha256(str(tuple(values.shape)).encode())
    digest.update(values.numpy().data)
    return digest.hexdigest()


def fit_request(
    images: Sequence[Tensor], distortion: Distortion, config: FitConfig, *, task: str, chroma: float | None
) -> Request:
    """All that determines a fit's result, to compare two fits by.

    Args:
        images: The seeds.
        distortion: The task's distortion.
        config: Options of the fit, with rho as it was chosen.
        task: Name of the task.
        chroma: As `fit` takes it.

    Raises:
        ValueError: The distortion's arguments cannot be written as JSON.
    """
    described = describe_distortion(distortion)
    try:
        json.dumps(described)
    except TypeError as error:
        raise ValueError(
            f"the arguments of {described['class_path']} cannot be kept in the bank's card ({error}): "
            "let the distortion take numbers, text, or lists of them"
        ) from error
    hashes = tuple(pixel_hash(image.expand(-1, 3, -1, -1)) for image in images)
    colours = {} if chroma is None else {"chroma": chroma}
    return Request(task, described, hashes, dataclasses.asdict(config) | colours)


def bank_card(request: Request, config: FitConfig, *, licence: str, source: str, definition: str = "") -> BankCard:
    """The card of the bank that a request leads to.

    Args:
        request: What the fit was asked for.
        config: Its options, with rho as it was chosen.
        licence: Terms of the weights, as an SPDX expression.
        source: Where the weights come from.
        definition: How the loss shall read it by default.
    """
    return BankCard(
        task=request.task,
        widths=config.widths,
        distortion=request.distortion,
        input_range=FITTED_RANGE,
        rho=config.rho,
        seed_sha256=request.seed_sha256,
        iterations=config.iterations,
        fit=request.config,
        definition=definition,
        licence=licence,
        source=source,
        library_version=__version__,
    )


def load_finished(path: Path, card: BankCard) -> DiscriminatorBank:
    """The bank that a finished fit has written, if it is the one that is asked for.

    Args:
        path: The bank.
        card: What `bank_card` says of the present request.

    Raises:
        BankFileError: Not a whole bank.
        CheckpointError: It is the bank of another fit; the message says what differs.
    """
    bank = DiscriminatorBank.load(path)
    kept, asked = ({**_request(c).flat(), "definition": c.definition} for c in (bank.card, card))
    if different := differences(kept, asked):
        raise CheckpointError(f"{path} is the bank of another fit: {'; '.join(different)}")
    return bank


def _request(card: BankCard) -> Request:
    """What the bank of a card was fitted for."""
    return Request(card.task, card.distortion, card.seed_sha256, card.fit)
