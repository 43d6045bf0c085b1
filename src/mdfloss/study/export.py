"""What the database tells: votes in pwcmp's columns, work units, progress."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .store import define_missed
from .trials import Study
from .votes import COLUMNS

__all__ = [
    "CHECK_COLUMNS",
    "UNIT_COLUMNS",
    "VOTE_COLUMNS",
    "assigned",
    "check_rows",
    "open_readonly",
    "unit_rows",
    "vote_rows",
]

VOTE_COLUMNS = (*COLUMNS, "position", "shown", "voted", "milliseconds", "input", "zoom")
CHECK_COLUMNS = (*COLUMNS, "passed", "position", "milliseconds")
UNIT_COLUMNS = ("observer", "session", "assignment", "hit", "stage", "votes", "checks", "checks_missed", "screened_out")

_VOTES = """
SELECT observer, printf('u%04d', sessions.id) AS session, scene, left_condition AS condition_A,
  right_condition AS condition_B, left_selected AS is_A_selected, position, shown, voted, milliseconds, input, zoom,
  trial NOT IN (SELECT trial FROM missed) AS passed
FROM votes JOIN trials ON trials.id = trial JOIN sessions ON sessions.id = trials.session
WHERE kind = ? ORDER BY sessions.id, position
"""
_UNITS = """
SELECT observer, printf('u%04d', sessions.id) AS session, assignment, hit, stage,
  coalesce(sum(kind = 'real' AND voted IS NOT NULL), 0) AS votes,
  coalesce(sum(kind = 'golden' AND voted IS NOT NULL), 0) AS checks,
  coalesce(sum(trials.id IN (SELECT trial FROM missed)), 0) AS checks_missed
FROM sessions LEFT JOIN trials ON session = sessions.id LEFT JOIN votes ON trial = trials.id
GROUP BY sessions.id ORDER BY sessions.id
"""


def open_readonly(path: Path) -> sqlite3.Connection:
    """The database of a study for reading only, also while it is served.

    Raises:
        FileNotFoundError: There are no votes yet.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: nobody has voted; serve the study first")
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    db.row_factory = sqlite3.Row
    define_missed(db)
    return db


def vote_rows(db: sqlite3.Connection) -> list[Mapping[str, Any]]:
    """Votes on real trials; condition_A was on the left."""
    return [dict(row) for row in db.execute(_VOTES, ("real",))]


def check_rows(db: sqlite3.Connection) -> list[Mapping[str, Any]]:
    """Votes on golden trials, and whether they are as they must be."""
    return [dict(row) for row in db.execute(_VOTES, ("golden",))]


def unit_rows(db: sqlite3.Connection) -> list[Mapping[str, Any]]:
    """Work units: their platform's ids, their stage, and whether they are screened out."""
    return [dict(row) | {"screened_out": int(row["checks_missed"] > 0)} for row in db.execute(_UNITS)]


def assigned(db: sqlite3.Connection, study: Study) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How the design is covered.

    Args:
        db: The database.
        study: Its study.

    Returns:
        Scenes × pairs numbers of trials handed out, units that failed a golden trial and trials without
        a vote after a day left out; and the N × N votes on them, where a trial without a vote counts half a vote each
        way.
    """
    scenes = {scene.name: at for at, scene in enumerate(study.scenes)}
    place = {name: at for at, name in enumerate(study.conditions)}
    pairs = {frozenset(pair): at for at, pair in enumerate(study.pairs)}
    load = np.zeros((len(scenes), len(pairs)), dtype=np.int64)
    votes = np.zeros((len(place),) * 2)
    rows = db.execute(
        "SELECT scene, left_condition, right_condition, left_selected, count(*) FROM trials "
        "LEFT JOIN votes ON trial = trials.id JOIN sessions ON sessions.id = session "
        "WHERE kind = 'real' AND (voted IS NOT NULL OR created > unixepoch() - 86400) AND session NOT IN ("
        "SELECT session FROM missed) GROUP BY 1, 2, 3, 4"
    )
    for scene, left, right, selected, number in rows:
        load[scenes[scene], pairs[frozenset((left, right))]] += number
        share = 0.5 if selected is None else float(selected)
        votes[place[left], place[right]] += share * number
        votes[place[right], place[left]] += (1 - share) * number
    return load, votes
