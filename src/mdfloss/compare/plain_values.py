"""Plain values, as a YAML file gives them, made into what the annotations of dataclasses ask for.

The annotations are the only description of a file: a field needs no code of its own to be read or refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints, is_typeddict

__all__ = ["Several", "from_plain"]

Item = TypeVar("Item")

Several = Annotated[tuple[Item, ...], "one value stands for a list of one"]
"""Annotation of a field that takes one value or a list."""

_WORDS = {str: "text", int: "a whole number", float: "a number"}


def from_plain(hint: Any, value: Any, where: str = "") -> Any:
    """A plain value as an annotation asks for it: lists become tuples, names with values become dataclasses.

    Args:
        hint: `str`, `int`, `float`, `Any`, a `Literal`, `tuple[X, ...]`, `Several[X]`, `dict[str, X]`, a dataclass or
            typed dictionary of such fields, or one of these `| None`.
        value: What YAML read.
        where: Path of the value in the file, for messages: "tasks.denoise.bank"; empty for the file itself.

    Returns:
        What the annotation names.

    Raises:
        ValueError: A value is of another kind, a field is missing or unknown, or a dataclass refuses its values.
    """
    kind, of = get_origin(hint), get_args(hint)
    if kind is UnionType:
        return None if value is None else from_plain(of[0], value, where)
    if kind is dict:
        return {name: from_plain(of[1], entry, f"{where}.{name}") for name, entry in _names(value, where).items()}
    if dataclasses.is_dataclass(hint) or is_typeddict(hint):
        return _record(hint, value, where)
    try:
        return _simple(hint, value)
    except (TypeError, ValueError):
        raise ValueError(f"{where} must be {_words(hint)}, got {_seen(value)}") from None


def _names(value: Any, where: str, known: str = "") -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        known = f": there are {known}" if known else ""
        raise ValueError(f"{where or 'the file'} must be names with values, got {_seen(value)}{known}")
    return value


def _record(kind: Any, value: Any, where: str) -> Any:
    """A dataclass or a typed dictionary; unknown and missing fields are errors that name them."""
    hints = get_type_hints(kind, include_extras=True)
    known = ", ".join(hints)
    values = _names(value, where, known)
    if unknown := set(values) - set(hints):
        raise ValueError(f"{where or 'the file'} has no {', '.join(sorted(unknown))}: there are {known}")
    made = {name: from_plain(hints[name], entry, f"{where}.{name}".lstrip(".")) for name, entry in values.items()}
    if missing := [name for name in hints if name not in values and _is_required(kind, name)]:
        raise ValueError(f"{where or 'the file'} needs {', '.join(missing)}")
    try:
        return kind(**made)
    except ValueError as error:
        raise ValueError(f"{where}: {error}" if where else str(error)) from error


def _is_required(kind: Any, name: str) -> bool:
    if is_typeddict(kind):
        return name in kind.__required_keys__
    field = kind.__dataclass_fields__[name]
    return field.default is field.default_factory is dataclasses.MISSING


def _simple(hint: Any, value: Any) -> Any:
    """A value without names in it; TypeError or ValueError where it is of another kind."""
    kind, of = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return _simple(of[0], value if isinstance(value, list) else [value])
    if kind is tuple and isinstance(value, list):
        return tuple(_simple(of[0], item) for item in value)
    if hint is float and type(value) in (int, str):
        return float(value)  # YAML reads 1e-3 as text
    if hint is Any or (value in of if kind is Literal else type(value) is hint):
        return value
    raise TypeError


def _words(hint: Any) -> str:
    """What an annotation asks for."""
    kind, of = get_origin(hint), get_args(hint)
    if kind is Annotated:
        return f"{_words(get_args(of[0])[0])}, or several"
    if kind is tuple:
        return f"a list of {_words(of[0]).removeprefix('a ')}s"
    return f"one of {', '.join(of)}" if kind is Literal else _WORDS[hint]


def _seen(value: Any) -> str:
    return "nothing" if value is None else repr(value)
