"""Restoration networks, by class and by name, and their files."""

from .base import RestorationNetwork, initialise
from .dncnn import DnCNN
from .store import (
    NETWORKS,
    NetworkCard,
    NetworkFileError,
    build_network,
    load_network,
    read_card,
    save_network,
)

__all__ = [
    "NETWORKS",
    "DnCNN",
    "NetworkCard",
    "NetworkFileError",
    "RestorationNetwork",
    "build_network",
    "initialise",
    "load_network",
    "read_card",
    "save_network",
]
