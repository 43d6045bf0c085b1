"""Downloading a file so that a broken connection costs only what is missing, and a wrong file is noticed."""

from __future__ import annotations

import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from mdfloss.files import sha256_of

__all__ = ["DownloadError", "download"]

CHUNK = 1 << 20
TIMEOUT = 60
_RANGE_NOT_SATISFIABLE = 416


class DownloadError(OSError):
    """A file could not be had, or is not the one that was asked for."""


def download(
    url: str,
    path: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> str:
    """Download a file; what a broken attempt left is continued, and a file that is there already is taken.

    Until it is whole the file is called `NAME.part`.

    Args:
        url: http or https address.
        path: Where the file goes.
        sha256: What it must be, in hexadecimal; None takes any file.
        progress: Called with the bytes done and, if the server says so, the bytes in all.

    Returns:
        The file's SHA-256.

    Raises:
        DownloadError: The server refuses, the connection broke (run again to go on), or the checksum is wrong (the
            file is removed).
        OSError: The disk is full; what was written is kept for the next attempt.
    """
    path = Path(path)
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url} is no http or https address")
    if path.is_file() and (sha256 is None or sha256_of(path) == sha256.lower()):
        return sha256_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        _fetch(url, part, progress)
    except urllib.error.HTTPError as error:
        raise DownloadError(f"{url}: the server answers {error.code} {error.reason}") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DownloadError(f"{url}: {error}; run again to go on") from error
    found = sha256_of(part)
    if sha256 is not None and found != sha256.lower():
        part.unlink()
        raise DownloadError(f"{url} has SHA-256 {found}, expected {sha256.lower()}: the file was removed")
    part.replace(path)
    return found


def _fetch(url: str, part: Path, progress: Callable[[int, int | None], None]) -> None:
    """Append to `part` what it lacks."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310 checked
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)  # noqa: S310  the scheme is checked
    except urllib.error.HTTPError as error:
        if done and error.code == _RANGE_NOT_SATISFIABLE:
            return  # the part is whole already
        raise
    with response:
        continues = response.status == http.HTTPStatus.PARTIAL_CONTENT
        done = done if continues else 0
        length = response.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        _check_room(part, total, done)
        with part.open("ab" if continues else "wb", buffering=0) as file:
            while block := response.read(CHUNK):
                _append(file, block, part)
                done += len(block)
                progress(done, total)
    if total is not None and done < total:
        raise DownloadError(f"{url}: the connection broke at {done} of {total} bytes; run again to go on")


def _check_room(part: Path, total: int | None, done: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - done > free:
        raise OSError(f"{part.parent} has {free:,} bytes free, {total - done:,} are to come: make room and run again")


def _append(file: FileIO, block: bytes, part: Path) -> None:
    """Write all of a block; what is written stays where the disk is full."""
    try:
        view = memoryview(block)
        while view:
            view = view[file.write(view) or 0 :]
    except OSError as error:
        raise OSError(f"{part} cannot be written: {error.strerror}; make room and run again to go on") from error
