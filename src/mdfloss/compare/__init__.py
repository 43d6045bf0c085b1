"""Which loss for my images: a grid of trainings, its results, statistics, plots and page."""

from .grid import Grid as Grid
from .grid import GridLoss as GridLoss
from .grid import GridTask as GridTask
from .grid import GridTest as GridTest
from .grid_file import load_grid as load_grid
from .page import write_comparison as write_comparison
from .plan import Plan as Plan
from .plan import Run as Run
from .plan import make_plan as make_plan
from .run import run_one as run_one

__all__ = [
    "Grid",
    "GridLoss",
    "GridTask",
    "GridTest",
    "Plan",
    "Run",
    "load_grid",
    "make_plan",
    "run_one",
    "write_comparison",
]
