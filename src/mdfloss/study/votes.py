"""Tables of votes, in the columns of pwcmp: observer, session, scene, condition_A, condition_B, is_A_selected."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLUMNS", "Votes", "read_votes", "write_rows"]

Indexes = NDArray[np.int64]

COLUMNS = ("observer", "session", "scene", "condition_A", "condition_B", "is_A_selected")
"""The columns of a table of votes; pwcmp's own data call the second one `session_id`, which is read too."""


@dataclass(frozen=True)
class Votes:
    """Votes as index arrays, one element a vote.

    Attributes:
        conditions: Names that `winner` and `loser` index.
        observers: Names that `observer` indexes.
        sessions: Names (observer/session) that `session` indexes: the work units.
        scenes: Names that `scene` indexes.
        winner: Preferred condition of each vote.
        loser: The other condition.
        observer: Who voted.
        session: In which work unit.
        scene: On which picture.
    """

    conditions: tuple[str, ...]
    observers: tuple[str, ...]
    sessions: tuple[str, ...]
    scenes: tuple[str, ...]
    winner: Indexes
    loser: Indexes
    observer: Indexes
    session: Indexes
    scene: Indexes = field(repr=False)

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]], *, conditions: Sequence[str] | None = None) -> Votes:
        """Votes from rows with the columns of pwcmp.

        Args:
            rows: One mapping a vote; other columns are ignored.
            conditions: Order of the conditions; sorted names by default.

        Raises:
            ValueError: A column is missing, a condition is unknown or compared with itself, `is_A_selected` is not
                0 or 1, or there is no vote.
        """
        table = [_parse(number, row) for number, row in enumerate(rows, start=1)]
        if not table:
            raise ValueError("the table holds no votes")
        observer, session, scene, winner, loser = (tuple(column) for column in zip(*table, strict=True))
        names = tuple(conditions) if conditions is not None else tuple(sorted({*winner, *loser}))
        if unknown := {*winner, *loser} - set(names):
            raise ValueError(f"votes name conditions {sorted(unknown)}, which are not among {list(names)}")
        place = {name: index for index, name in enumerate(names)}
        units = [f"{who}/{unit}" for who, unit in zip(observer, session, strict=True)]
        (observers, who), (sessions, unit), (scenes, what) = map(_factorize, (observer, units, scene))
        return cls(
            conditions=names,
            observers=observers,
            sessions=sessions,
            scenes=scenes,
            winner=np.array([place[name] for name in winner]),
            loser=np.array([place[name] for name in loser]),
            observer=who,
            session=unit,
            scene=what,
        )

    def __len__(self) -> int:
        return len(self.winner)

    def keep(self, mask: NDArray[np.bool_]) -> Votes:
        """The votes where `mask` (one flag a vote) holds; the names stay as they are."""
        arrays = ("winner", "loser", "observer", "session", "scene")
        return replace(self, **{name: getattr(self, name)[mask] for name in arrays})

    def counts(self) -> Indexes:
        """N × N matrix: how often the row was preferred to the column."""
        counts = np.zeros((len(self.conditions),) * 2, dtype=np.int64)
        np.add.at(counts, (self.winner, self.loser), 1)
        return counts

    def counts_by_observer(self) -> Indexes:
        """O × N × N: `counts` of each observer; observers without votes stay in, with zeros."""
        counts = np.zeros((len(self.observers), *(len(self.conditions),) * 2), dtype=np.int64)
        np.add.at(counts, (self.observer, self.winner, self.loser), 1)
        return counts


def _parse(number: int, row: Mapping[str, str]) -> tuple[str, str, str, str, str]:
    session = row.get("session", row.get("session_id"))
    missing = [name for name in COLUMNS if name != "session" and row.get(name) is None]
    if missing or session is None:
        raise ValueError(f"vote {number} lacks {', '.join(missing or ['session'])}: needed are {', '.join(COLUMNS)}")
    first, second, selected = row["condition_A"], row["condition_B"], row["is_A_selected"].strip()
    if selected not in ("0", "1"):
        raise ValueError(f"vote {number} has is_A_selected = {selected!r}: it is 1 for condition_A, 0 for condition_B")
    if first == second:
        raise ValueError(f"vote {number} compares {first!r} with itself")
    return row["observer"], session, row["scene"], *((first, second) if selected == "1" else (second, first))


def _factorize(names: Sequence[str]) -> tuple[tuple[str, ...], Indexes]:
    unique, index = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    return tuple(map(str, unique)), index.astype(np.int64)


def read_votes(path: Path, *, conditions: Sequence[str] | None = None) -> Votes:
    """Votes from a CSV file, as the server exports it or as any tool writes pwcmp's columns.

    Args:
        path: The CSV file, with a header line.
        conditions: Order of the conditions; sorted names by default.

    Raises:
        ValueError: The file is no such table; the message names the file and the first bad vote.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return Votes.from_rows(csv.DictReader(file), conditions=conditions)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error


def write_rows(path: Path, rows: Sequence[Mapping[str, object]], *, columns: Sequence[str]) -> None:
    """Write rows as a CSV file with a header line, in the order of `columns`."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
