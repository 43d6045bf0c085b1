"""The main job from end to end on photographs that scikit-image ships: fit, train, restore, score, show."""

from .run import DemoConfig as DemoConfig
from .run import DemoResult as DemoResult
from .run import Stage as Stage
from .run import plan_demo as plan_demo
from .run import run_demo as run_demo

__all__ = ["DemoConfig", "DemoResult", "Stage", "plan_demo", "run_demo"]
