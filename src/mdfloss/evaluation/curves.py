"""Curves of a training, as its `curves.csv` holds them: a row for each validation."""

from __future__ import annotations

import csv
from pathlib import Path

__all__ = ["read_curves"]


def read_curves(path: Path) -> dict[str, list[float]]:
    """Read the curves of a training.

    Args:
        path: A CSV file with a heading and numbers.

    Returns:
        Column → values, among them "step", "val_psnr" and "gradient_norm".

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The file is not a table of numbers.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    try:
        return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else ())}
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a table of numbers: {error}") from error
