"""What a loss sees, before anything is trained with it: gains, borders, layers, response curves, condition number."""

from .inspect import InspectConfig as InspectConfig
from .inspect import Inspection as Inspection
from .inspect import Summary as Summary
from .inspect import inspect_losses as inspect_losses
from .subjects import InspectedLoss as InspectedLoss
from .subjects import read_losses as read_losses

__all__ = ["InspectConfig", "InspectedLoss", "Inspection", "Summary", "inspect_losses", "read_losses"]
