"""Networks by name, and the one file format that holds a trained one.

A file is `.safetensors`: the network's own keys, and in the header one JSON card that says which class and which
arguments build it, what it was trained for, and a checksum.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import Tensor

from mdfloss.tensor_file import read_tensor_file, write_tensor_file

from .base import RestorationNetwork
from .dncnn import DnCNN
from .edsr import EDSR
from .rrdb import RRDBNet
from .srresnet import SRResNet

__all__ = [
    "NETWORKS",
    "NetworkCard",
    "NetworkFileError",
    "build_network",
    "find_network",
    "is_ours",
    "load_network",
    "read_card",
    "save_network",
]

FORMAT_VERSION = 1
_CARD_KEY = "mdfloss_network"

NETWORKS: dict[str, type[RestorationNetwork]] = {
    "DnCNN": DnCNN,
    "EDSR": EDSR,
    "RRDBNet": RRDBNet,
    "SRResNet": SRResNet,
}
"""Every network that has a name."""


class NetworkFileError(ValueError):
    """A network file is damaged, of another kind, or of a newer format."""


@dataclass(frozen=True)
class NetworkCard:
    """What a network file says of itself.

    Args:
        network: A name in `NETWORKS`.
        arguments: The keyword arguments that build it.
        distortion: `class_path` and `init_args` of what it was trained to undo; empty if unknown.
        loss: Expression of the loss it was trained with.
        step: Training steps behind the weights.
        library_version: Version of mdfloss that wrote the file.
        format_version: Version of the file format.
    """

    network: str
    arguments: Mapping[str, Any]
    distortion: Mapping[str, Any] = field(default_factory=dict)
    loss: str = ""
    step: int | None = None
    library_version: str = ""
    format_version: int = FORMAT_VERSION


def find_network(name: str) -> type[RestorationNetwork]:
    """The class of a network.

    Args:
        name: A name in `NETWORKS`.

    Raises:
        ValueError: There is none of this name.
    """
    if name not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {name!r}")
    return NETWORKS[name]


def build_network(name: str, **arguments: Any) -> RestorationNetwork:
    """A fresh network.

    Args:
        name: A name in `NETWORKS`.
        **arguments: The class's keyword arguments.

    Raises:
        ValueError: An unknown name, an argument that the class lacks, or a value that it refuses.
    """
    network = find_network(name)
    try:
        return network(**arguments)
    except TypeError as error:
        raise ValueError(f"{name} cannot be built from {arguments}: {error}") from error


def save_network(
    network: RestorationNetwork,
    path: str | os.PathLike[str],
    *,
    distortion: Mapping[str, Any] | None = None,
    loss: str = "",
    step: int | None = None,
    force: bool = False,
) -> None:
    """Write a network as `.safetensors`.

    Args:
        network: One of the classes in `NETWORKS`.
        path: File to write.
        distortion: What it was trained to undo, as `describe_distortion` says it.
        loss: Expression of the loss it was trained with.
        step: Training steps behind the weights.
        force: Replace an existing file.

    Raises:
        FileExistsError: The file exists and `force` is False.
        ValueError: Another suffix, or a class that has no name here.
    """
    name = type(network).__name__
    if NETWORKS.get(name) is not type(network):
        raise ValueError(f"only {', '.join(NETWORKS)} can be saved by name, got {type(network)}")
    from mdfloss.version import __version__

    card = NetworkCard(name, network.arguments, distortion or {}, loss, step, __version__)
    tensors = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    metadata = {_CARD_KEY: json.dumps(dataclasses.asdict(card), sort_keys=True), "sha256": _digest(tensors)}
    write_tensor_file(path, tensors, metadata, kind="network", force=force)


def load_network(path: str | os.PathLike[str]) -> RestorationNetwork:
    """Read a network; nothing in the file is executed.

    Args:
        path: A file that `save_network` wrote, or the folder of a training run, whose best network is read.

    Returns:
        The network in eval mode, on the CPU.

    Raises:
        FileNotFoundError: No such file.
        NetworkFileError: Damaged, not a network of ours, or of a newer format.
    """
    tensors, metadata = _read(_network_file(Path(path)))
    card = _card(metadata, path)
    if metadata.get("sha256") != _digest(tensors):
        raise NetworkFileError(f"{path} is damaged: its tensors do not match their checksum; get it anew")
    try:
        network = build_network(card.network, **card.arguments)
        network.load_state_dict(tensors)
    except (ValueError, RuntimeError) as error:
        raise NetworkFileError(f"{path} does not hold the network its card describes: {error}") from error
    return network.eval()


def is_ours(path: str | os.PathLike[str]) -> bool:
    """Whether a file has a network card of ours; files that cannot be read at all have none.

    Raises:
        FileNotFoundError: No such file.
    """
    try:
        return _CARD_KEY in _read(Path(path))[1]
    except NetworkFileError:
        return False


def read_card(path: str | os.PathLike[str]) -> NetworkCard:
    """The card of a network file.

    Args:
        path: A file that `save_network` wrote, or the folder of a training run.

    Raises:
        FileNotFoundError: No such file.
        NetworkFileError: Not a network of ours, or of a newer format.
    """
    return _card(_read(_network_file(Path(path)))[1], path)


def _network_file(path: Path) -> Path:
    return path / "best.safetensors" if path.is_dir() else path


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    return read_tensor_file(path, kind="network", error=NetworkFileError)


def _card(metadata: Mapping[str, str], path: str | os.PathLike[str]) -> NetworkCard:
    if _CARD_KEY not in metadata:
        raise NetworkFileError(f"{path} has no mdfloss network card: `mdfloss train` writes one")
    try:
        values = json.loads(metadata[_CARD_KEY])
        version = values["format_version"]
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise NetworkFileError(
                f"{path} has format version {version}, this mdfloss reads up to {FORMAT_VERSION}: upgrade mdfloss"
            )
        return NetworkCard(**values)
    except (TypeError, KeyError, json.JSONDecodeError) as error:
        raise NetworkFileError(f"{path}: the card in the header cannot be read: {error}") from error


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, shapes and bytes, so that a flipped bit is noticed."""
    return hashlib.sha256(safetensors.torch.save(dict(tensors))).hexdigest()
