from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from mdfloss.data.download import DownloadError, download

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Files(BaseHTTPRequestHandler):
    """Serves CONTENT, with ranges; `breaks_at` closes the connection there once."""

    breaks_at: ClassVar[list[int]] = []
    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.ranges.append(wanted)
        if self.path == "/absent":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.path == "/file" else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        stop = self.breaks_at.pop() if self.breaks_at else len(CONTENT)
        self.wfile.write(CONTENT[start:stop])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Files.breaks_at, Files.ranges = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_a_whole_file_with_its_checksum(server: str, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    found = download(f"{server}/file", tmp_path / "a" / "x", sha256=DIGEST.upper(), progress=lambda *n: seen.append(n))
    assert found == DIGEST
    assert (tmp_path / "a" / "x").read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["x"]


@pytest.mark.parametrize("path, resumes", [("/file", True), ("/no-ranges", False)])
def test_a_broken_download_goes_on(server: str, tmp_path: Path, path: str, resumes: bool) -> None:
    Files.breaks_at.append(300_000)
    with pytest.raises(DownloadError, match=r"broke at 300000 of 1024000 bytes; run again|IncompleteRead"):
        download(server + path, tmp_path / "x", sha256=DIGEST)
    assert not (tmp_path / "x").exists()
    download(server + path, tmp_path / "x", sha256=DIGEST)
    assert (tmp_path / "x").read_bytes() == CONTENT
    assert Files.ranges == [None, "bytes=300000-"]


def test_a_part_that_is_whole_is_taken(server: str, tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(CONTENT)
    assert download(f"{server}/file", tmp_path / "x", sha256=DIGEST) == DIGEST


def test_a_wrong_checksum_leaves_nothing(server: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=f"has SHA-256 {DIGEST}, expected {'0' * 64}: the file was removed"):
        download(f"{server}/file", tmp_path / "x", sha256="0" * 64)
    assert not list(tmp_path.iterdir())


def test_refusals_and_silence_are_told(server: str, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="the server answers 404"):
        download(f"{server}/absent", tmp_path / "x")
    with pytest.raises(DownloadError, match="run again to go on"):
        download("http://127.0.0.1:9/file", tmp_path / "x")
    with pytest.raises(DownloadError, match="is no http or https address"):
        download("file:///etc/passwd", tmp_path / "x")


def test_a_full_disk_keeps_what_came_and_shows_no_file(
    server: str, tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]]
) -> None:
    with small_files(300_000), pytest.raises(OSError, match=r"x\.part cannot be written: .*; make room and run again"):
        download(f"{server}/file", tmp_path / "x", sha256=DIGEST)
    assert [path.name for path in tmp_path.iterdir()] == ["x.part"]
    assert (tmp_path / "x.part").stat().st_size == 300_000
    assert download(f"{server}/file", tmp_path / "x", sha256=DIGEST) == DIGEST
    assert Files.ranges == [None, "bytes=300000-"]


def test_too_little_room_is_told_before(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 1000))
    with pytest.raises(OSError, match="has 1,000 bytes free, 1,024,000 are to come: make room"):
        download(f"{server}/file", tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_taken_if_it_is_right(server: str, tmp_path: Path) -> None:
    download(f"{server}/file", tmp_path / "x", sha256=DIGEST)
    assert download(f"{server}/file", tmp_path / "x", sha256=DIGEST) == DIGEST
    assert len(Files.ranges) == 1
    (tmp_path / "x").write_bytes(b"another")
    assert download(f"{server}/file", tmp_path / "x", sha256=DIGEST) == DIGEST
    assert (tmp_path / "x").read_bytes() == CONTENT
