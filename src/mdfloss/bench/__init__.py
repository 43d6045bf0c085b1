"""The paper's Table 1 on your machine: what every loss costs."""

from .candidates import OFFICIAL_WIDTHS, Candidate, own_candidates, random_bank, standard_candidates
from .measure import BenchConfig, Cost, measure_costs
from .table import cost_plot, save_costs

__all__ = [
    "OFFICIAL_WIDTHS",
    "BenchConfig",
    "Candidate",
    "Cost",
    "cost_plot",
    "measure_costs",
    "own_candidates",
    "random_bank",
    "save_costs",
    "standard_candidates",
]
