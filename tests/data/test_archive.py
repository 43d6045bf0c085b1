from __future__ import annotations

import base64
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mdfloss.data.archive import ArchiveError, DamagedArchiveError, unpack


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


def test_rar_is_told_from_damage(tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!\x1a\x07\x01\x00 and so on")
    with pytest.raises(ArchiveError, match="RAR archive, which Python cannot unpack: unpack it with bsdtar") as found:
        unpack(tmp_path / "a.rar", tmp_path / "a")
    assert not isinstance(found.value, DamagedArchiveError)


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
        with pytest.raises(DamagedArchiveError, match=r"is damaged|neither a zip nor a tar file: it begins with b'no"):
            unpack(tmp_path / name, tmp_path / "a")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tgz", "half.tgz", "text.zip"]


def test_a_full_disk_leaves_nothing(
    tmp_path: Path, small_files: Callable[[int], AbstractContextManager[None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _zip(tmp_path / "a.zip", "x", "long name, so that the text is long")
    with small_files(20), pytest.raises(OSError, match="File too large"):
        unpack(archive, tmp_path / "a")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 3))
    with pytest.raises(OSError, match=r"needs 52 bytes, .* has 3: make room"):
        unpack(archive, tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


ENCRYPTED = (
    "UEsDBAoACQAAADSieV2SfKtFGgAAAA4AAAAJAAAATWNNLzEudGlmEesYssxqgS4aFpPMrsyggOZm+nG6gLezT2BQSwcIknyrRRoAAAAOAAAAUEsB"
    "Ah4DCgAJAAAANKJ5XZJ8q0UaAAAADgAAAAkAAAAAAAAAAQAAAKSBAAAAAE1jTS8xLnRpZlBLBQYAAAAAAQABADcAAABRAAAAAAA="
)
"""`zip -P McM_CDM` of one file."""


def test_passwords(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(base64.b64decode(ENCRYPTED))
    for password in (None, "wrong"):
        with pytest.raises(ArchiveError, match=r"McM/1\.tif cannot be read: .*password"):
            unpack(tmp_path / "a.zip", tmp_path / "a", password=password)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    unpack(tmp_path / "a.zip", tmp_path / "a", password="McM_CDM")
    assert (tmp_path / "a" / "McM" / "1.tif").read_text() == "secret picture"


def test_a_member_without_a_name_is_refused(tmp_path: Path) -> None:
    archive = _tar(tmp_path / "a.tar", (".", tarfile.REGTYPE))
    with pytest.raises(ArchiveError, match="leads outside: nothing was unpacked"):
        unpack(archive, tmp_path / "a")
