"""Restoration networks, by class and by name, and their files."""

from .base import RestorationNetwork, initialise
from .command_line import explain_network
from .discriminators import VGGDiscriminator
from .dncnn import DnCNN
from .edsr import EDSR
from .interop import AnyNetwork, load_any_network
from .rrdb import RRDBNet
from .srresnet import SRResNet
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
    "EDSR",
    "NETWORKS",
    "AnyNetwork",
    "DnCNN",
    "NetworkCard",
    "NetworkFileError",
    "RRDBNet",
    "RestorationNetwork",
    "SRResNet",
    "VGGDiscriminator",
    "build_network",
    "explain_network",
    "initialise",
    "load_any_network",
    "load_network",
    "read_card",
    "save_network",
]
