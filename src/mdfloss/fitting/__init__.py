"""Phase 1: training the discriminators of a loss from seed images and a distortion (paper section 3.1)."""

from .config import FitConfig
from .fit import FitDivergedError, FitProgress, fit
from .plan import FitPlan, plan_fit
from .request import CheckpointError

__all__ = ["CheckpointError", "FitConfig", "FitDivergedError", "FitPlan", "FitProgress", "fit", "plan_fit"]
