"""Train a task-specific image reconstruction loss from one image, and train restoration networks with it."""

from .bank import BankCard, BankFileError, DiscriminatorBank
from .definitions import DEFINITIONS, Definition
from .loss import MDFLoss, mdf_loss
from .pretrained import list_banks, load_bank
from .version import __version__

__all__ = [
    "DEFINITIONS",
    "BankCard",
    "BankFileError",
    "Definition",
    "DiscriminatorBank",
    "MDFLoss",
    "__version__",
    "list_banks",
    "load_bank",
    "mdf_loss",
]
