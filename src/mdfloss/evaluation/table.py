"""Scores image by image: the table that statistics, plots and pages are made from, and its CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdfloss.files import atomic_write

__all__ = ["Score", "ScoreTable"]

KEY_COLUMNS = ("image", "method")


class Score(NamedTuple):
    """The values of one picture restored by one method.

    Attributes:
        image: Name of the picture.
        method: Name of what restored it.
        values: Metric's name → value.
    """

    image: str
    method: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class ScoreTable:
    """Scores of several methods on the same pictures.

    Args:
        metrics: Names of the metrics, in the order of the columns.
        rows: One row for each picture and method.
        protocol: What the numbers were measured under, in words.

    Raises:
        ValueError: A row occurs twice, lacks a metric, or has one that is not a column.

    Examples:
        >>> rows = Score("cat", "l1", {"psnr": 30.0}), Score("cat", "l2", {"psnr": 29.0})
        >>> table = ScoreTable(("psnr",), rows)
        >>> table.methods, table.column("l2", "psnr").tolist()
        (('l1', 'l2'), [29.0])
    """

    metrics: tuple[str, ...]
    rows: tuple[Score, ...]
    protocol: str = ""
    _by_key: dict[tuple[str, str], Score] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_key: dict[tuple[str, str], Score] = {}
        for row in self.rows:
            key = (row.image, row.method)
            if key in by_key:
                raise ValueError(f"image {row.image!r} is scored twice for method {row.method!r}")
            if set(row.values) != set(self.metrics):
                raise ValueError(
                    f"image {row.image!r}, method {row.method!r} has the metrics {sorted(row.values)}, but "
                    f"the table's are {sorted(self.metrics)}"
                )
            by_key[key] = row
        object.__setattr__(self, "_by_key", by_key)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, in order of first appearance."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the pictures, in order of first appearance."""
        return tuple(dict.fromkeys(row.image for row in self.rows))

    def column(self, method: str, metric: str) -> NDArray[np.float64]:
        """One method's values, a picture each, in the order of `images`.

        Args:
            method: A name out of `methods`.
            metric: A name out of `metrics`.

        Returns:
            One value a picture.

        Raises:
            ValueError: The method or metric is not in the table, or lacks a picture that another method
                has: methods are compared on the same pictures or not at all.
        """
        if metric not in self.metrics or method not in self.methods:
            raise ValueError(
                f"no {metric!r} of {method!r}: the table has the metrics {', '.join(self.metrics)} of "
                f"the methods {', '.join(self.methods)}"
            )
        missing = [image for image in self.images if (image, method) not in self._by_key]
        if missing:
            raise ValueError(
                f"method {method!r} has no score for {', '.join(missing)}: score the same pictures for all"
            )
        return np.array([self._by_key[image, method].values[metric] for image in self.images])

    def extended(self, rows: Iterable[Score]) -> ScoreTable:
        """This table with more rows at its end.

        Args:
            rows: Rows with the same metrics.

        Returns:
            A new table.
        """
        return ScoreTable(self.metrics, (*self.rows, *rows), self.protocol)

    def save_csv(self, path: Path, *, force: bool = True) -> None:
        """Write the table: columns `image`, `method`, one for each metric, and `protocol`.

        Args:
            path: The file.
            force: Replace an existing one.

        Raises:
            FileExistsError: The file exists and `force` is False.
        """
        with (
            atomic_write(path, force=force) as partial,
            partial.open("w", newline="", encoding="utf-8") as stream,
        ):
            writer = csv.writer(stream)
            writer.writerow((*KEY_COLUMNS, *self.metrics, "protocol"))
            for row in self.rows:
                values = (repr(float(row.values[metric])) for metric in self.metrics)
                writer.writerow((row.image, row.method, *values, self.protocol))

    @classmethod
    def load_csv(cls, path: Path) -> ScoreTable:
        """Read what `save_csv` wrote.

        Args:
            path: The file.

        Returns:
            The table, equal to the one saved.

        Raises:
            ValueError: The file is not such a table.
        """
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.reader(stream)
            header = tuple(next(reader, ()))
            lines = list(reader)
        if header[:2] != KEY_COLUMNS or header[-1:] != ("protocol",):
            raise ValueError(f"{path} is no table of scores: its first line is {','.join(header)[:80]!r}")
        metrics = header[2:-1]
        try:
            rows = tuple(
                Score(line[0], line[1], dict(zip(metrics, map(float, line[2:-1]), strict=True))) for line in lines
            )
        except (ValueError, IndexError) as error:
            raise ValueError(f"{path} has a row that is not image, method, {len(metrics)} numbers, protocol") from error
        return cls(metrics, rows, lines[0][-1] if lines else "")
