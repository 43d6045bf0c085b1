"""Phase 2: training restoration networks."""

from .abreast import train_abreast
from .adversarial import AdversarialConfig, train_adversarial
from .config import DataConfig, Hardware, OptimizerConfig, TrainConfig
from .module import TrainingDivergedError
from .restoration import TrainResult, train
from .run_folder import RunFolderError

__all__ = [
    "AdversarialConfig",
    "DataConfig",
    "Hardware",
    "OptimizerConfig",
    "RunFolderError",
    "TrainConfig",
    "TrainResult",
    "TrainingDivergedError",
    "train",
    "train_abreast",
    "train_adversarial",
]
