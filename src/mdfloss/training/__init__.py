"""Phase 2: training restoration networks."""

from .adversarial import AdversarialConfig, train_adversarial
from .config import DataConfig, Hardware, OptimizerConfig, TrainConfig
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
    "train",
    "train_adversarial",
]
