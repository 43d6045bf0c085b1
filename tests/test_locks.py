"""Locks between real processes: held, freed by the holder, and freed by its death."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mdfloss.cli import main
from mdfloss.locks import LOCK_NAME, FileLock, only_writer

Holder = Callable[[Path], "subprocess.Popen[bytes]"]

HOLD = """
import os, sys, time
from pathlib import Path
from mdfloss.locks import only_writer
with only_writer(Path(sys.argv[1])):
    if os.fork() == 0:  # like the processes that prepare patches: it lives on when its parent is killed
        time.sleep(100)
        os._exit(0)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder() -> Iterator[Holder]:
    """Starts a process that holds a folder until its input ends."""
    started = []

    def start(folder: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", HOLD, str(folder)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)  # with its fork
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def test_a_second_process_is_told_and_a_killed_one_is_in_nobodys_way(tmp_path: Path, holder: Holder) -> None:
    folder = tmp_path / "run"
    process = holder(folder)
    with pytest.raises(BlockingIOError, match=r"another process is writing to .*run: wait"), only_writer(folder):
        pytest.fail("the block must not run")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (folder / LOCK_NAME).exists()
    with only_writer(folder):
        (folder / "mine").touch()
    assert [path.name for path in folder.iterdir()] == ["mine"]


def test_one_that_ends_leaves_nothing(tmp_path: Path, holder: Holder) -> None:
    process = holder(tmp_path / "run")
    assert process.stdin is not None
    process.stdin.close()
    process.wait()
    assert not list(tmp_path.iterdir())


def test_two_commands_do_not_write_one_bank(tmp_path: Path, holder: Holder, capsys: pytest.CaptureFixture[str]) -> None:
    bank = tmp_path / "bank.safetensors"
    holder(tmp_path / "bank.safetensors.fit")
    command = ["fit", "astronaut", "--distortion", "GaussianNoise", "--output", str(bank), "--num_scales", "2"]
    for more in ([], ["--resume"], ["--force"]):
        assert main([*command, "--iterations", "1", "--device", "cpu", *more]) == 1
        assert "another process is writing to" in capsys.readouterr().err
    assert not bank.exists()


def test_a_process_has_a_lock_once(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "a.lock")
    with pytest.raises(BlockingIOError):
        FileLock(tmp_path / "a.lock")
    lock.release()
    other = FileLock(tmp_path / "a.lock")
    lock.release()
    assert (tmp_path / "a.lock").exists()
    other.release()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_stood_empty_stays(tmp_path: Path) -> None:
    with only_writer(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [LOCK_NAME]
    assert tmp_path.exists()


def test_a_file_that_was_removed_meanwhile_is_not_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")
    path, flock, calls = tmp_path / "a.lock", fcntl.flock, []

    def slow(descriptor: int, how: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            path.unlink()  # by whoever held it until now
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    lock = FileLock(path)
    assert len(calls) == 2
    with pytest.raises(BlockingIOError):
        FileLock(path)
    lock.release()


def test_file_systems_without_locks_are_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with only_writer(tmp_path / "run"):
        (tmp_path / "run" / "mine").touch()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["mine"]
