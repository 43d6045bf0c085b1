"""Scores of restored pictures: metrics under a stated protocol, tables, statistics and plots."""

from .metrics import METRICS as METRICS
from .metrics import Metric as Metric
from .metrics import MetricProtocol as MetricProtocol
from .metrics import measure as measure
from .table import Score as Score
from .table import ScoreTable as ScoreTable

__all__ = ["METRICS", "Metric", "MetricProtocol", "Score", "ScoreTable", "measure"]
