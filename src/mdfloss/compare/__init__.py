"""Which loss for my images: a grid of trainings, its results, statistics, plots and page."""

from .grid import Grid as Grid
from .grid import GridLoss as GridLoss
from .grid import GridTask as GridTask
from .grid import Run as Run
from .grid_file import load_grid as load_grid
from .page import write_comparison as write_comparison
from .run import run_one as run_one

__all__ = ["Grid", "GridLoss", "GridTask", "Run", "load_grid", "run_one", "write_comparison"]
