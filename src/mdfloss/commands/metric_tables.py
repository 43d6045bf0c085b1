"""Tables with columns for each metric, cut so that they fit the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["MetricTables"]

AMPLE = 10_000
"""A terminal so wide that a table in it has the width that it wants."""


@dataclass(frozen=True)
class MetricTables:
    """One table, or several below each other where the terminal is too narrow for all metrics.

    Args:
        metrics: Names of the metrics.
        make: Makes the table of some of them.
        title: Above the first table.
        caption: Below the last.
    """

    metrics: Sequence[str]
    make: Callable[[Sequence[str]], Table]
    title: str
    caption: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The tables, each with as many metrics as fit, and at least one."""
        left = list(self.metrics)
        while left:
            count = len(left)
            table = self.make(left)
            while count > 1 and _width(table, console, options) > options.max_width:
                count -= 1
                table = self.make(left[:count])
            table.title = Text(self.title) if len(left) == len(self.metrics) else None
            left = left[count:]
            table.caption = None if left else self.caption
            table.title_justify = table.caption_justify = "left"
            yield table


def _width(table: Table, console: Console, options: ConsoleOptions) -> int:
    return Measurement.get(console, options.update_width(AMPLE), table).maximum
