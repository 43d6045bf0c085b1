"""Named tensors and text in one `.safetensors` file: what the files of banks and of networks have in common."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from .files import atomic_write

__all__ = ["read_tensor_file", "write_tensor_file"]


def read_tensor_file(
    path: str | os.PathLike[str], *, kind: str, error: type[ValueError]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header text; nothing in the file is executed.

    Args:
        path: The file.
        kind: What it should hold, for errors: "bank".
        error: What is raised where it cannot be read.

    Raises:
        FileNotFoundError: No such file.
        error: Not such a file, or cut short.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no {kind} at {path}")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as reason:
        raise error(f"{path} is not a whole .safetensors file: {reason}") from reason


def write_tensor_file(
    path: str | os.PathLike[str],
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    *,
    kind: str,
    force: bool = False,
) -> None:
    """Write tensors and header text, whole or not at all; the same ones are always the same bytes.

    Args:
        path: File to write; its suffix must be `.safetensors`.
        tensors: Contiguous, on the CPU.
        metadata: The header's text.
        kind: What the file holds, for errors.
        force: Replace an existing file.

    Raises:
        FileExistsError: The file exists and `force` is False.
        ValueError: Another suffix.
    """
    if Path(path).suffix != ".safetensors":
        raise ValueError(f"a {kind} is saved as .safetensors, got {path}")
    with atomic_write(path, force=force) as partial:
        partial.write_bytes(_sorted_header(safetensors.torch.save(dict(tensors), dict(metadata))))


def _sorted_header(file: bytes) -> bytes:
    """A `.safetensors` file with its header's entries in order; the library writes the text's in one of chance."""
    end = 8 + int.from_bytes(file[:8], "little")
    header = json.dumps(json.loads(file[8:end]), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + file[end:]
