"""Phase 2: training restoration networks."""

from .config import DataConfig, Hardware, OptimizerConfig, TrainConfig
from .restoration import TrainResult, train
from .run_folder import RunFolderError

__all__ = [
    "DataConfig",
    "Hardware",
    "OptimizerConfig",
    "RunFolderError",
    "TrainConfig",
    "TrainResult",
    "train",
]
