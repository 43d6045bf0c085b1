"""A job that goes on must be the one that began: what differs between the two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["differences"]


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions of a job, in words, by name.

    An entry that is None is as good as one that is missing: an older version did not have it.

    Args:
        before: What the job was, as JSON holds it; mappings may be nested.
        now: What it shall be, likewise.
    """
    old, new = _flat(before), _flat(now)
    names = sorted(old.keys() | new.keys())
    return [f"{name} was {old.get(name)!r}, now {new.get(name)!r}" for name in names if old.get(name) != new.get(name)]


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
