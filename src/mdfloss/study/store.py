"""The database of a study: one SQLite file, one writer, and every vote in a transaction of its own."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdfloss.locks import FileLock

from .trials import BAD, Trial

__all__ = ["VOTES", "Refused", "ShownTrial", "Step", "Store", "VoteDetails", "define_missed", "own_votes"]

VOTES = "votes.sqlite"  # the database in a study's folder

Planner = Callable[[sqlite3.Connection, int], tuple[Sequence[Trial], Sequence[Trial]]]


class Refused(ValueError):  # noqa: N818  an answer, not a fault
    """A request that the rules of the study refuse.

    Attributes:
        status: The HTTP status that says so.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class ShownTrial:
    """A trial as the page needs it."""

    id: int
    kind: str
    scene: str
    left: str
    right: str
    nonce: str


@dataclass(frozen=True)
class Step:
    """Where a session stands.

    Attributes:
        stage: "consent", "instructions", "pause", "trial" or "finished".
        done: Trials voted on, practice left out.
        total: Trials of the session, practice left out.
        trial: The trial to show at stage "trial", the one behind a pause.
        following: The trial after it, whose images can be loaded ahead.
        pause: Which pause: "practice" or "break".
        passed: At the end: whether all golden trials were answered as they must be.
    """

    stage: str
    done: int = 0
    total: int = 0
    trial: ShownTrial | None = None
    following: ShownTrial | None = None
    pause: str = ""
    passed: bool = True


@dataclass(frozen=True)
class VoteDetails:
    """What is logged beside a vote: response time in ms, input device, device pixels per image pixel."""

    milliseconds: int | None = None
    input: str = ""
    zoom: float | None = None


def own_votes(path: Path) -> FileLock:
    """Be the one process that a database of votes belongs to, there or not, until the lock is released.

    Raises:
        BlockingIOError: Another process serves this study.
    """
    try:
        return FileLock(path.with_suffix(".lock"))
    except BlockingIOError as error:
        raise BlockingIOError(f"{path} is being served by another process: a study has one writer") from error


class Store:
    """The votes of one study, opened by one process at a time.

    Args:
        path: The database; made when it is missing.
        break_every: A pause comes after so many trials; 0 for none.

    Raises:
        BlockingIOError: Another process serves this study.
    """

    def __init__(self, path: Path, *, break_every: int = 0) -> None:
        self.break_every = break_every
        self._owner = own_votes(path)
        self._closed = False
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(Path(__file__).with_name("schema.sql").read_text(encoding="utf-8"))
        define_missed(self._db)

    def close(self) -> None:
        """Fold the log into the database and let go of it; nothing happens the second time."""
        with self._lock:
            if self._closed:
                return
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.close()
            self._owner.release()
            self._closed = True

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection, inside a transaction that is on disk when the block ends well, and undone if not."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have undone it already
                    self._db.execute("ROLLBACK")
                raise

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Rows of a reading statement."""
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def open_session(self, key: str, *, observer: str, assignment: str = "", hit: str = "") -> None:
        """Make a session at stage "consent", unless it is there."""
        if not self.query("SELECT 1 FROM sessions WHERE key = ?", (key,)):
            with self.transaction() as db:
                db.execute(
                    "INSERT OR IGNORE INTO sessions (key, observer, assignment, hit, created) VALUES (?, ?, ?, ?, ?)",
                    (key, observer, assignment, hit, time.time()),
                )

    def step(self, key: str) -> Step:
        """Where the session stands; a session that was never opened stands at consent."""
        with self._lock:
            found = self.query("SELECT id, stage FROM sessions WHERE key = ?", (key,))
            if not found or found[0]["stage"] in ("consent", "instructions"):
                return Step(found[0]["stage"] if found else "consent")
            session = found[0]["id"]
            total, done = self.query(
                "SELECT count(*), count(voted) FROM trials LEFT JOIN votes ON trial = id "
                "WHERE session = ? AND kind <> 'practice'",
                (session,),
            )[0]
            if found[0]["stage"] == "finished":
                return Step("finished", done, total, passed=not self._missed(session))
            first, *rest = self.query(
                "SELECT trials.* FROM trials LEFT JOIN votes ON trial = id "
                "WHERE session = ? AND trial IS NULL ORDER BY position LIMIT 2",
                (session,),
            )
        stage = "pause" if first["pause"] else "trial"
        return Step(stage, done, total, _shown(first), _shown(rest[0]) if rest else None, pause=first["pause"])

    def agree(self, key: str, planner: Planner) -> None:
        """Note the consent, and assign the session's trials.

        Args:
            key: The session.
            planner: Gives practice trials and the others, from the votes so far and the session's number; called
                inside the transaction, so that two sessions never balance on the same counts.
        """
        with self.transaction() as db:
            session = _at_stage(db, key, "consent")
            practice, trials = planner(db, session)
            break_at = set(_breaks(len(practice), len(trials), self.break_every))
            rows = [
                (session, at, t.kind, t.scene, t.left, t.right, secrets.token_hex(16), _pause(at, practice, break_at))
                for at, t in enumerate((*practice, *trials))
            ]
            db.executemany(
                "INSERT INTO trials (session, position, kind, scene, left_condition, right_condition, nonce, pause) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            db.execute("UPDATE sessions SET stage = 'instructions' WHERE id = ?", (session,))

    def begin(self, key: str) -> None:
        """Leave the instructions."""
        with self.transaction() as db:
            session = _at_stage(db, key, "instructions")
            db.execute("UPDATE sessions SET stage = 'trials' WHERE id = ?", (session,))

    def resume(self, key: str) -> None:
        """Leave a pause."""
        with self.transaction() as db:
            session = _at_stage(db, key, "trials")
            row = _current(db, session)
            if row is None or not row["pause"]:
                raise Refused(409, "there is no pause to leave")
            db.execute("UPDATE trials SET pause = '' WHERE id = ?", (row["id"],))

    def mark_shown(self, trial: int) -> None:
        """Note when a trial was first shown."""
        if self.query("SELECT 1 FROM trials WHERE id = ? AND shown IS NULL", (trial,)):
            with self.transaction() as db:
                db.execute("UPDATE trials SET shown = ? WHERE id = ? AND shown IS NULL", (time.time(), trial))

    def vote(self, key: str, nonce: str, *, left: bool, details: VoteDetails | None = None) -> None:
        """Store one vote for the trial that the session is shown, and finish the session after its last.

        Args:
            key: The session.
            nonce: Of the trial, as its page gave it.
            left: Whether the left picture was chosen.
            details: What to log beside it.

        Raises:
            Refused: 403 for a trial of nobody, of somebody else, or not shown yet; 409 for one already voted on.
        """
        details = details or VoteDetails()
        with self.transaction() as db:
            found = db.execute(
                "SELECT trials.*, key, voted FROM trials JOIN sessions ON sessions.id = session "
                "LEFT JOIN votes ON trial = trials.id WHERE nonce = ?",
                (nonce,),
            ).fetchone()
            if found is None or found["key"] != key:
                raise Refused(403, "this vote is for no trial of this session")
            if found["voted"] is not None:
                raise Refused(409, "this trial has its vote already")
            session = _at_stage(db, key, "trials")
            current = _current(db, session)
            if found["shown"] is None or current is None or current["id"] != found["id"] or current["pause"]:
                raise Refused(403, "this trial is not being shown")
            db.execute(
                "INSERT INTO votes (trial, left_selected, voted, milliseconds, input, zoom) VALUES (?, ?, ?, ?, ?, ?)",
                (found["id"], left, time.time(), details.milliseconds, details.input, details.zoom),
            )
            if _current(db, session) is None:
                db.execute("UPDATE sessions SET stage = 'finished', finished = ? WHERE id = ?", (time.time(), session))

    def _missed(self, session: int) -> int:
        """Golden trials of a session that were answered wrongly."""
        return int(self.query("SELECT count(*) FROM missed WHERE session = ?", (session,))[0][0])


def define_missed(db: sqlite3.Connection) -> None:
    """Name the golden trials that were missed, their ruined side preferred: the view `missed` of session and trial.

    The view is the connection's, not the file's, so that a study of any age can be read, and read only.

    Args:
        db: A connection to the database of a study.
    """
    db.execute(
        "CREATE TEMP VIEW missed AS SELECT session, trial FROM votes JOIN trials ON trials.id = trial "  # noqa: S608
        f"WHERE kind = 'golden' AND iif(left_selected, left_condition, right_condition) = '{BAD}'"
    )


def _shown(row: sqlite3.Row) -> ShownTrial:
    return ShownTrial(row["id"], row["kind"], row["scene"], row["left_condition"], row["right_condition"], row["nonce"])


def _at_stage(db: sqlite3.Connection, key: str, stage: str) -> int:
    row = db.execute("SELECT id, stage FROM sessions WHERE key = ?", (key,)).fetchone()
    if row is None or row["stage"] != stage:
        raise Refused(409, "this page was left already: go on with the current one")
    return int(row["id"])


def _current(db: sqlite3.Connection, session: int) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT trials.* FROM trials LEFT JOIN votes ON trial = id "
        "WHERE session = ? AND trial IS NULL ORDER BY position LIMIT 1",
        (session,),
    ).fetchone()
    return row


def _breaks(practice: int, trials: int, every: int) -> range:
    return range(practice + every, practice + trials, every) if every else range(0)


def _pause(at: int, practice: Sequence[Trial], break_at: set[int]) -> str:
    if practice and at == len(practice):
        return "practice"
    return "break" if at in break_at else ""
