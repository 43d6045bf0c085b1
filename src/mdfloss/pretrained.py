"""From the name or the path of a bank to the bank."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from .bank import DiscriminatorBank
from .official import is_official, read_official

__all__ = ["list_banks", "load_bank"]

_WEIGHTS = Path(str(files(__package__))) / "weights"


def list_banks() -> list[str]:
    """Names of the banks that come with the package; nothing is ever downloaded."""
    return sorted(path.stem for path in _WEIGHTS.glob("*.safetensors"))


def load_bank(name_or_path: str | os.PathLike[str]) -> DiscriminatorBank:
    """Load a bank by name or by path.

    Args:
        name_or_path: A name in `list_banks()`, a file written by `mdfloss fit`, or a released file of the authors.

    Returns:
        The bank, in eval mode on the CPU.

    Raises:
        FileNotFoundError: Neither a shipped name nor a file.
        BankFileError: The file is damaged, of another kind, or of a newer format.
    """
    path = Path(name_or_path)
    shipped = _WEIGHTS / f"{name_or_path}.safetensors"
    if not path.is_file() and path.name == str(name_or_path) and shipped.is_file():
        path = shipped
    if not path.is_file():
        raise FileNotFoundError(f"no bank at {path}, and no shipped bank of that name: those are {list_banks()}")
    return read_official(path) if is_official(path) else DiscriminatorBank.load(path)
