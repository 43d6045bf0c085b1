"""A comparison's YAML file."""

from __future__ import annotations

import json
from pathlib import Path

from .grid import Grid
from .plain_values import from_plain

__all__ = ["grid_text", "load_grid"]


def load_grid(path: Path) -> Grid:
    """Read a comparison from YAML; paths in it are seen from the folder where the command runs.

    Args:
        path: The file: the fields of `Grid`.

    Returns:
        The grid.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A field is missing, unknown or of the wrong kind; the message names it.
        ImportError: A distortion cannot be found.
    """
    import yaml

    with path.open(encoding="utf-8") as stream:
        try:
            values = yaml.safe_load(stream)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not YAML: {error}") from error
    try:
        grid: Grid = from_plain(Grid, values)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return grid


def grid_text(grid: Grid) -> str:
    """A grid as the YAML that `load_grid` reads, with every default written out.

    Args:
        grid: The comparison.
    """
    import yaml

    plain = json.loads(json.dumps(grid.to_dict()))
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)
    return text
