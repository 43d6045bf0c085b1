"""Network files of other projects, by the spandrel package; and ours, which it reads as they are.

A DnCNN of eight layers or more and a RRDBNet of growth 32 that `mdfloss train` wrote load in spandrel, and in the
tools built on it, without conversion: their `.safetensors` keep the key names of KAIR and BasicSR.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .store import NetworkFileError, is_ours, load_network

__all__ = ["AnyNetwork", "load_any_network"]


class AnyNetwork(NamedTuple):
    """A network, and what one must know to run it.

    Attributes:
        model: (N, in_channels, H, W) in [0, 1] to (N, in_channels, upscale·H, upscale·W), on the device asked for.
        in_channels: 3 or 1.
        upscale: Factor by which the output is larger.
        name: Name of the architecture.
    """

    model: Callable[[Tensor], Tensor]
    in_channels: int
    upscale: int
    name: str


def load_any_network(path: str | os.PathLike[str], *, device: torch.device | str = "cpu") -> AnyNetwork:
    """Read a network file of ours or of any architecture that spandrel knows; nothing in it is executed.

    Args:
        path: A file of ours, the folder of a run, or a `.pth`, `.pt`, `.ckpt` or `.safetensors` file of another
            project; the latter needs `mdfloss[interop]`.
        device: Where to put it.

    Raises:
        FileNotFoundError: No such file.
        NetworkFileError: Damaged, or of no known architecture.
        ModuleNotFoundError: The file is not ours, and spandrel is missing.
    """
    path = Path(path)
    if path.is_dir() or is_ours(path):
        network = load_network(path).to(device)
        return AnyNetwork(network, network.in_channels, network.upscale, type(network).__name__)
    try:
        import spandrel
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f'{path} is no network of mdfloss; those of other projects need pip install "mdfloss[interop]"'
        ) from error
    try:
        found = spandrel.ModelLoader(device="cpu").load_from_file(path)
    except Exception as error:  # spandrel lets through whatever a broken file raises
        raise NetworkFileError(f"{path} is no network that mdfloss or spandrel can read: {error}") from error
    if not isinstance(found, spandrel.ImageModelDescriptor):
        raise NetworkFileError(f"{path} holds {found.architecture.name}, which does not map a picture to a picture")
    return AnyNetwork(found.to(device).eval(), found.input_channels, found.scale, found.architecture.name)
