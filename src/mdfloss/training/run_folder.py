"""The folder of a training run: its config, its curves, its checkpoints; each file appears whole or not at all.

- `config.json`: the resolved config and the versions it ran with
- `curves.csv`: one row a validation; `dead_relus` is the share of the network's ReLUs that fire on none of its pictures
- `skipped.txt`: pictures that could not be used, and why (only if there are any)
- `last.ckpt`: everything that a resumed run needs: tensors and plain values, no pickled code
- `last.safetensors`: the newest network
- `best.safetensors`: the best network so far
"""

from __future__ import annotations

import csv
import json
import pickle
import platform
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch

from mdfloss.data import Skipped
from mdfloss.files import atomic_write
from mdfloss.locks import LOCK_NAME, only_writer
from mdfloss.resuming import differences
from mdfloss.version import __version__

__all__ = ["RunFolder", "RunFolderError"]


class RunFolderError(ValueError):
    """A run's folder cannot be used as asked: occupied, damaged, or of another run."""


class RunFolder:
    """Reads and writes the files of one run.

    Args:
        path: The folder; it is made by `start`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def best(self) -> Path:
        """The best network so far."""
        return self.path / "best.safetensors"

    @property
    def last(self) -> Path:
        """The newest network."""
        return self.path / "last.safetensors"

    @property
    def curves(self) -> Path:
        """One row a validation."""
        return self.path / "curves.csv"

    @property
    def config(self) -> Path:
        """What the run does, and the versions that it began with."""
        return self.path / "config.json"

    @property
    def skipped(self) -> Path:
        """Pictures that could not be used; only if there are any."""
        return self.path / "skipped.txt"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only process that writes to the folder while the block lasts.

        Raises:
            RunFolderError: Another process is writing there, or it is no folder.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunFolderError(f"{self.path} is a file: choose another folder")
        with ExitStack() as stack:
            try:
                stack.enter_context(only_writer(self.path))
            except BlockingIOError as error:
                raise RunFolderError(str(error)) from error
            yield

    def check(self, config: Mapping[str, Any], *, resume: bool) -> None:
        """See whether a run may use the folder; nothing is written.

        Args:
            config: What the run shall do, as plain values.
            resume: Go on with the run that is there, if there is one.

        Raises:
            RunFolderError: The folder is in use and `resume` is False, or holds a run with another config, or
                something else than a run.
        """
        if resume and self.config.is_file():
            try:
                kept = json.loads(self.config.read_text("utf-8"))["config"]
            except (ValueError, KeyError, TypeError) as error:
                raise RunFolderError(f"{self.config} is damaged ({error}): choose another folder") from error
            self._check_same(kept, json.loads(json.dumps(config)))
            return
        if self.path.is_dir() and any(path.name != LOCK_NAME for path in self.path.iterdir()):
            mend = "pass --resume to go on with its run, or choose" if self.config.is_file() else "choose"
            raise RunFolderError(f"{self.path} is in use: {mend} another folder")

    def start(self, config: Mapping[str, Any]) -> None:
        """Make the folder and write the run's config, unless it is there; `check` comes first."""
        if self.config.is_file():
            return
        versions = {"mdfloss": __version__, "torch": torch.__version__, "python": platform.python_version()}
        with atomic_write(self.config) as partial:
            partial.write_text(json.dumps({"config": config, "versions": versions}, indent=2), "utf-8")

    def _check_same(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        if different := differences(old, new):
            raise RunFolderError(
                f"{self.path} holds a run with another config ({'; '.join(different)}): "
                "give the same, or start a new run in another folder"
            )

    def write_curves(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write all rows anew, so that the file never runs ahead of the checkpoint; older rows may lack columns."""
        with atomic_write(self.curves) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[-1]), restval="nan")
            writer.writeheader()
            writer.writerows(rows)

    def write_skipped(self, skipped: Sequence[Skipped]) -> None:
        """List the pictures that were left out, one a line; no file where there is none."""
        if not skipped:
            self.skipped.unlink(missing_ok=True)
            return
        with atomic_write(self.skipped) as partial:
            partial.write_text("".join(f"{s.path}: {' '.join(s.reason.split())}\n" for s in skipped), "utf-8")

    def count_skipped(self) -> int:
        """How many pictures `write_skipped` has listed."""
        return len(self.skipped.read_text("utf-8").splitlines()) if self.skipped.is_file() else 0

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Write the checkpoint: tensors and plain values only."""
        with atomic_write(self.path / "last.ckpt") as partial:
            torch.save(dict(state), partial)

    def load_state(self) -> dict[str, Any] | None:
        """The checkpoint, or None where the run was stopped before its first.

        Raises:
            RunFolderError: The file is damaged, or holds more than tensors and plain values.
        """
        file = self.path / "last.ckpt"
        if not file.exists():
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch remarks on foreign pickles before it refuses them
                state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
            raise RunFolderError(f"{file} cannot be read as a checkpoint: {error}") from error
        return state
