"""One writer at a time: locks that end with the process that took them, however it ends.

A lock is a file that the operating system locks. It is removed with the lock; one that a killed process has left behind
is locked no more, and in nobody's way. Where there are no such locks, on Windows and on some network file systems,
nothing is locked.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["LOCK_NAME", "FileLock", "only_writer"]

LOCK_NAME = ".lock"
"""The file in a folder that `only_writer` locks."""

_NO_LOCKS_HERE = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP)
_held: set[int] = set()


class FileLock:
    """A lock on a file, from here to `release`.

    Args:
        path: The file; it is made, and its folder too.

    Raises:
        BlockingIOError: Another process has it, or this one already.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None if fcntl is None else _locked(path)

    def release(self) -> None:
        """Remove the file and let go of it; nothing happens the second time, or in a fork of the process."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and descriptor in _held:
            self._path.unlink(missing_ok=True)
            _held.remove(descriptor)
            os.close(descriptor)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Be the only process that writes to a folder while the block lasts.

    Args:
        folder: Is made; where nothing came to be in it, it is removed again.

    Raises:
        BlockingIOError: Another process is writing there.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / LOCK_NAME)
    except BlockingIOError as error:
        raise BlockingIOError(
            f"another process is writing to {folder}: wait until it is done, or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
        if is_new:
            with suppress(OSError):  # it holds something, or someone else's lock
                folder.rmdir()


def _locked(path: Path) -> int:
    """An open file that is locked, and stands at `path`: whoever held it before removes it."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # the folder went with its last lock
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                os.close(descriptor)
                raise
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(descriptor)):
                _held.add(descriptor)
                return descriptor
        os.close(descriptor)


def _close_all() -> None:
    """What a fork does first, so that a lock ends with the process that took it and not with its last helper."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


if fcntl is not None:
    os.register_at_fork(after_in_child=_close_all)
