"""The database: exactly one vote a trial, whoever posts it and whenever the process dies."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdfloss.study.export import open_readonly
from mdfloss.study.store import Refused, Store
from mdfloss.study.trials import BAD, GOOD, Trial

TRIALS = [Trial("real", "cat", "x", "y") for _ in range(5)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "votes.sqlite")
    store.open_session("key", observer="someone")
    store.agree("key", lambda db, session: ([], TRIALS))
    store.begin("key")
    yield store
    store.close()


def shown(store: Store) -> str:
    trial = store.step("key").trial
    assert trial is not None
    store.mark_shown(trial.id)
    return trial.nonce


def test_settings_that_make_votes_safe(store: Store) -> None:
    pragmas = {name: store.query(f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_one_writer(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="served by another process"):
        Store(tmp_path / "votes.sqlite")
    store.close()
    Store(tmp_path / "votes.sqlite").close()


def test_many_threads_one_vote(store: Store) -> None:
    nonce, outcomes = shown(store), []

    def vote() -> None:
        try:
            store.vote("key", nonce, left=True)
            outcomes.append(303)
        except Refused as refused:
            outcomes.append(refused.status)

    threads = [threading.Thread(target=vote) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [303] + 19 * [409]
    assert store.query("SELECT count(*) FROM votes")[0][0] == 1


def test_the_database_itself_refuses_a_second_vote(store: Store) -> None:
    store.vote("key", shown(store), left=True)
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as db:
        db.execute("INSERT INTO votes (trial, left_selected, voted) VALUES (1, 1, 0)")


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as db:
            db.execute("DELETE FROM votes")
            db.execute("DELETE FROM trials")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert store.query("SELECT count(*) FROM trials")[0][0] == 5


def test_finished_after_the_last_vote(store: Store) -> None:
    for _ in range(5):
        store.vote("key", shown(store), left=False)
    step = store.step("key")
    assert (step.stage, step.done, step.total, step.passed) == ("finished", 5, 5, True)


@pytest.mark.parametrize("sides", [(GOOD, BAD), (BAD, GOOD)])
@pytest.mark.parametrize("kind", ["golden", "practice"])
@pytest.mark.parametrize("left", [True, False, None])
def test_a_golden_trial_is_missed_when_its_ruined_side_is_preferred(
    sides: tuple[str, str], kind: str, left: bool | None, tmp_path: Path
) -> None:
    store = Store(tmp_path / "votes.sqlite")
    store.open_session("key", observer="someone")
    store.agree("key", lambda db, session: ([], [Trial(kind, "cat", *sides)]))
    store.begin("key")
    if left is not None:
        store.vote("key", shown(store), left=left)
    expected = kind == "golden" and left is not None and sides[0 if left else 1] == BAD
    assert [tuple(row) for row in store.query("SELECT * FROM missed")] == ([(1, 1)] if expected else [])
    assert store.step("key").passed is not expected
    store.close()


def test_reading_while_serving(store: Store, tmp_path: Path) -> None:
    store.vote("key", shown(store), left=True)
    reader = open_readonly(tmp_path / "votes.sqlite")
    assert reader.execute("SELECT count(*) FROM votes").fetchone()[0] == 1
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM votes")
    reader.close()
    with pytest.raises(FileNotFoundError, match="nobody has voted"):
        open_readonly(tmp_path / "none.sqlite")


def test_a_commit_that_fails_leaves_the_store_usable(store: Store) -> None:
    def orphan() -> None:
        with store.transaction() as db:
            db.execute("PRAGMA defer_foreign_keys = ON")
            db.execute("INSERT INTO votes (trial, left_selected, voted) VALUES (999, 1, 0)")

    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        orphan()
    store.vote("key", shown(store), left=True)
    assert store.query("SELECT count(*) FROM votes")[0][0] == 1


def test_a_full_disk_is_said_and_undone(store: Store) -> None:
    pages = store.query("PRAGMA page_count")[0][0]
    store.query(f"PRAGMA max_page_count = {pages}")

    def fill() -> None:
        for number in range(1000):
            store.open_session(f"other-{number}", observer="x" * 1000)

    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    store.query(f"PRAGMA max_page_count = {2**30}")
    store.vote("key", shown(store), left=True)
    assert store.query("SELECT count(*) FROM votes")[0][0] == 1


KILLED = """
import sys, pathlib
from mdfloss.study.store import Store
from mdfloss.study.trials import Trial
store = Store(pathlib.Path(sys.argv[1]))
store.open_session("key", observer="someone")
store.agree("key", lambda db, session: ([], [Trial("real", "cat", "x", "y")] * 10000))
store.begin("key")
while True:
    trial = store.step("key").trial
    store.mark_shown(trial.id)
    store.vote("key", trial.nonce, left=True)
    sys.stdout.write(f"{trial.id}\\n"); sys.stdout.flush()
"""


def test_every_vote_that_was_said_to_be_stored_survives_sigkill(tmp_path: Path) -> None:
    path = tmp_path / "votes.sqlite"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(20)]
    process.send_signal(signal.SIGKILL)
    said += [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    process.stdout.close()
    store = Store(path)
    kept = [row[0] for row in store.query("SELECT trial FROM votes ORDER BY trial")]
    store.close()
    assert kept[: len(said)] == said
    assert len(kept) - len(said) <= 1  # one may have been stored and not said
