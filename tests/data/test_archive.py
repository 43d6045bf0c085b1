from __future__ import annotations

import io
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mdfloss.data.archive import ArchiveError, unpack


def _zip(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "text of " + name)
    return path


def _tar(path: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "/etc/passwd", 4 if kind == tarfile.REGTYPE else 0
            file.addfile(info, io.BytesIO(b"text"))
    return path


def test_archives_become_folders(tmp_path: Path) -> None:
    unpack(_zip(tmp_path / "a.zip", "x.txt", "deep/y.txt"), tmp_path / "a")
    assert (tmp_path / "a" / "deep" / "y.txt").read_text() == "text of deep/y.txt"
    unpack(_tar(tmp_path / "b.tgz", ("deep", tarfile.DIRTYPE), ("deep/z", tarfile.REGTYPE)), tmp_path / "b")
    assert (tmp_path / "b" / "deep" / "z").read_text() == "text"
    with pytest.raises(FileExistsError, match="exists"):
        unpack(tmp_path / "a.zip", tmp_path / "b")


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "/tmp/out.txt", "..\\out.txt", "C:/out.txt"])
def test_paths_that_lead_outside_are_refused(name: str, tmp_path: Path) -> None:
    archive = _zip(tmp_path / "a.zip", "good.txt", name)
    with pytest.raises(ArchiveError, match="leads outside: nothing was unpacked"):
        unpack(archive, tmp_path / "deep" / "a")
    archive = _tar(tmp_path / "a.tar", ("good", tarfile.REGTYPE), (name, tarfile.REGTYPE))
    with pytest.raises(ArchiveError, match="leads outside: nothing was unpacked"):
        unpack(archive, tmp_path / "deep" / "a")
    assert not list((tmp_path / "deep").iterdir())
    assert not (tmp_path / "out.txt").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a.tar", ("good", tarfile.REGTYPE), ("bad", kind))
    with pytest.raises(ArchiveError, match="holds bad, a link or device: nothing was unpacked"):
        unpack(archive, tmp_path / "a")
    info = zipfile.ZipInfo("bad")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveError, match="holds the link bad: nothing was unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_damage_is_told(tmp_path: Path) -> None:
    whole = _tar(tmp_path / "a.tgz", *((f"file{i}", tarfile.REGTYPE) for i in range(400))).read_bytes()
    (tmp_path / "half.tgz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.zip").write_text("no archive")
    for name in ("half.tgz", "text.zip"):
        with pytest.raises(ArchiveError, match=r"is damaged|neither a zip nor a tar"):
            unpack(tmp_path / name, tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "half.tgz", "text.zip"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = _zip(tmp_path / "a.zip", "x", "y")

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", full)
        with pytest.raises(OSError, match="No space left"):
            unpack(archive, tmp_path / "a")
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 3))
        with pytest.raises(OSError, match=r"needs 18 bytes, .* has 3: make room"):
            unpack(archive, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
