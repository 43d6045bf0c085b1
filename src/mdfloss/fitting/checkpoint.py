"""The state of a fit on disk, written so that a kill at any moment leaves the last whole one.

One file holds tensors, numbers and text only, and is read with `weights_only=True`: nothing in it is executed.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mdfloss.files import atomic_write
from mdfloss.locks import only_writer

from .request import CheckpointError, Request

__all__ = [
    "FitState",
    "has_state",
    "load_state",
    "remove_state",
    "save_state",
]

STATE_NAME = "fit-state.pt"
_FORMAT = 1


@dataclass(frozen=True)
class FitState:
    """Where a fit stands.

    Args:
        scale_index: The scale that is trained; K when all are done.
        iteration: Iterations of that scale that are done.
        generators: State of every scale's generator so far, the present one last.
        critics: State of every scale's discriminator so far, the present one last.
        optimizers: States of the generator's and the critic's optimiser; empty between scales.
        random_state: State of the fit's random numbers.
    """

    scale_index: int
    iteration: int
    generators: Sequence[Mapping[str, Tensor]]
    critics: Sequence[Mapping[str, Tensor]]
    optimizers: Sequence[Mapping[str, Any]]
    random_state: Tensor


def has_state(workdir: Path) -> bool:
    """Whether a fit has left a state in a folder."""
    return (workdir / STATE_NAME).exists()


def save_state(workdir: Path, state: FitState, request: Request) -> None:
    """Write the state, replacing the one before in one rename."""
    fields = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
    with atomic_write(workdir / STATE_NAME) as partial:
        torch.save({"format": _FORMAT, "request": json.dumps(request.flat()), "state": fields}, partial)


def load_state(workdir: Path, request: Request, *, device: torch.device) -> FitState:
    """Read the state of the same fit.

    Args:
        workdir: Folder of the fit.
        request: What is asked for now.
        device: Where the tensors go; the random state stays on the CPU.

    Raises:
        CheckpointError: Damaged, of another format, or of a fit that differs; the message says in what.
    """
    path = workdir / STATE_NAME
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        saved, fields = json.loads(content["request"]), content["state"]
        if content["format"] != _FORMAT:
            raise CheckpointError(f"{path} has format {content['format']}, this mdfloss reads {_FORMAT}")
        state = FitState(**{**fields, "random_state": fields["random_state"].cpu()})
    except CheckpointError:
        raise
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} cannot be read: {reason}; remove it to start anew") from error
    if differences := request.differences(saved):
        raise CheckpointError(
            f"{path} belongs to another fit: {'; '.join(differences)}: "
            "ask for the same as before, or start anew in another folder"
        )
    return state


def remove_state(workdir: Path) -> None:
    """Remove a fit's state and what a kill has left half written; the folder too when nothing else is in it.

    Raises:
        BlockingIOError: Another process is writing there.
    """
    stem, _, suffix = STATE_NAME.partition(".")
    if not workdir.is_dir():
        return
    with only_writer(workdir):
        for path in (workdir / STATE_NAME, *workdir.glob(f".{stem}.*.part.{suffix}")):
            path.unlink(missing_ok=True)
    if not any(workdir.iterdir()):
        workdir.rmdir()
