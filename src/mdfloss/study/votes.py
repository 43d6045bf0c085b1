"""Tables of votes, in the columns of pwcmp: observer, session, scene, condition_A, condition_B, is_A_selected."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdfloss.files import atomic_write

__all__ = ["COLUMNS", "Votes", "read_rows", "read_votes", "write_rows", "yes_or_no"]

Indexes = NDArray[np.int64]

COLUMNS = ("observer", "session", "scene", "condition_A", "condition_B", "is_A_selected")
"""The columns of a table of votes; pwcmp's own data call the second one `session_id`, which is read too."""

_ANSWERS = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}
"""As R and pandas write them too."""


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

    def starting_with(self, condition: str) -> Votes:
        """The same votes with one condition first: the one at zero when scores are fixed there.

        Args:
            condition: A name out of `conditions`.

        Raises:
            ValueError: It is not among them.
        """
        if condition not in self.conditions:
            raise ValueError(f"no votes on {condition!r}: there are {', '.join(self.conditions)}")
        names = (condition, *(name for name in self.conditions if name != condition))
        place = np.array([names.index(name) for name in self.conditions])
        return replace(self, conditions=names, winner=place[self.winner], loser=place[self.loser])

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
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS if name in row}
    if "session" not in cells and "session_id" in row:
        cells["session"] = (row["session_id"] or "").strip()
    if missing := [name for name in COLUMNS if name not in cells]:
        raise ValueError(f"vote {number} lacks {', '.join(missing)}: needed are {', '.join(COLUMNS)}")
    if empty := [name for name in COLUMNS if cells[name] == ""]:
        raise ValueError(f"vote {number} has no {', '.join(empty)}: fill it in, or leave the vote out")
    who, unit, scene, first, second, selected = (cells[name] for name in COLUMNS)
    chosen = yes_or_no(selected)
    if chosen is None:
        raise ValueError(f"vote {number} has is_A_selected = {selected!r}: it is 1 for condition_A, 0 for condition_B")
    if first == second:
        raise ValueError(f"vote {number} compares {first!r} with itself")
    return who, unit, scene, *((first, second) if chosen else (second, first))


def yes_or_no(cell: str) -> bool | None:
    """What a cell of a table says: 1 or true, 0 or false; None where it says neither."""
    return _ANSWERS.get(cell.strip().lower())


def _factorize(names: Sequence[str]) -> tuple[tuple[str, ...], Indexes]:
    unique, index = np.unique(np.array(names, dtype=object).astype(str), return_inverse=True)
    return tuple(map(str, unique)), index.astype(np.int64)


def read_votes(path: Path, *, conditions: Sequence[str] | None = None) -> Votes:
    """Votes from a CSV file, as the server exports it or as any tool writes pwcmp's columns.

    Args:
        path: The CSV file, in UTF-8, with a header line; columns in any order, others among them, separated by
            commas, semicolons or tabs.
        conditions: Order of the conditions; sorted names by default.

    Raises:
        ValueError: The file is no such table; the message names the file and the first bad vote.
    """
    try:
        return Votes.from_rows(read_rows(path), conditions=conditions)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a table with a header line, in UTF-8, separated by commas, semicolons or tabs.

    Args:
        path: The file.

    Returns:
        One mapping a row; columns that a short row lacks are left out, and blank lines are skipped.

    Raises:
        ValueError: The file is no text in UTF-8, or two columns have one name.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"the file is not UTF-8 ({error}): save it as CSV in UTF-8") from error
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    try:
        names = [name.strip() for name in next(reader, [])]
        if repeated := sorted({name for name in names if name and names.count(name) > 1}):
            raise ValueError(f"columns stand twice in the header: {', '.join(repeated)}: keep one of each")
        return [dict(zip(names, row, strict=False)) for row in reader if any(row)]
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error


def write_rows(path: Path, rows: Sequence[Mapping[str, object]], *, columns: Sequence[str]) -> None:
    """Write rows as a CSV file with a header line, in the order of `columns`."""
    with atomic_write(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
