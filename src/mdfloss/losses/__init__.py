"""The losses that MDF is compared with, by class, by name and by expression."""

from .base import ImageLoss
from .deep import LPIPSLoss, VGGLoss
from .expression import LOSSES, WeightedSum, banks_digest, build_loss
from .pixel import CharbonnierLoss, FrequencyLoss, L1Loss, MSELoss, RMSELoss
from .structure import MSSSIML1Loss, MSSSIMLoss, SSIMLoss

__all__ = [
    "LOSSES",
    "CharbonnierLoss",
    "FrequencyLoss",
    "ImageLoss",
    "L1Loss",
    "LPIPSLoss",
    "MSELoss",
    "MSSSIML1Loss",
    "MSSSIMLoss",
    "RMSELoss",
    "SSIMLoss",
    "VGGLoss",
    "WeightedSum",
    "banks_digest",
    "build_loss",
]
