"""A comparison's YAML file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .grid import Grid, GridLoss, GridNetwork, GridTask, GridTest, Training

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
    kinds = {"tasks": GridTask, "losses": GridLoss, "networks": GridNetwork}
    try:
        fields = dict(_mapping(values, "the file"))
        if "training" in fields:
            fields["training"] = _make(Training, fields["training"], "training")
        for name, kind in kinds.items():
            entries = _mapping(fields.get(name, {}), name)
            if name in fields:
                fields[name] = {key: _entry(kind, entry, f"{name}.{key}") for key, entry in entries.items()}
        grid: Grid = _make(Grid, fields, "the file")
    except (ValueError, TypeError) as error:
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


def _mapping(values: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        raise ValueError(f"{where} must be names with values, got {values!r}")
    return values


def _entry(kind: type[Any], values: Any, where: str) -> Any:
    """A task, loss or network; the tests of a task are made too."""
    values = dict(_mapping(values, where))
    if kind is GridTask and "tests" in values:
        tests = _mapping(values["tests"], f"{where}.tests")
        values["tests"] = {name: _make(GridTest, test, f"{where}.tests.{name}") for name, test in tests.items()}
    return _make(kind, values, where)


def _make(kind: type[Any], values: Any, where: str) -> Any:
    """A dataclass from plain values; unknown and missing fields are errors that name them."""
    values = _mapping(values, where)
    fields = dataclasses.fields(kind)
    unknown = set(values) - {field.name for field in fields}
    if unknown:
        known = ", ".join(field.name for field in fields)
        raise ValueError(f"{where} has no {', '.join(sorted(unknown))}: there are {known}")
    missing = [
        field.name
        for field in fields
        if field.name not in values
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{where} needs {', '.join(missing)}")
    return kind(**values)
