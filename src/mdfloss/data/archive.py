"""Unpacking an archive that one does not trust: nothing outside the folder, no links, all or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

__all__ = ["ArchiveError", "DamagedArchiveError", "unpack"]

RAR = b"Rar!"


class ArchiveError(ValueError):
    """An archive cannot be unpacked, or holds what must not be."""


class DamagedArchiveError(ArchiveError):
    """A file is damaged, or no archive at all: it must be had anew."""


class _Member(NamedTuple):
    name: str
    size: int
    source: zipfile.ZipInfo | tarfile.TarInfo


def unpack(archive: str | os.PathLike[str], folder: str | os.PathLike[str], *, password: str | None = None) -> None:
    """Unpack a zip or tar file into a new folder, which appears whole or not at all.

    Args:
        archive: `.zip`, `.tar`, `.tgz`, `.tar.gz`, ….
        folder: Must not exist.
        password: Of an encrypted zip file.

    Raises:
        FileExistsError: `folder` exists.
        ArchiveError: A member has an absolute path, `..`, or is a link or device; it is RAR; the password is wrong.
        DamagedArchiveError: The file is damaged, or no archive.
        OSError: The disk has too little room; nothing is left of the attempt.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: choose another, or remove it")
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    partial.mkdir(parents=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as file:
                if password is not None:
                    file.setpassword(password.encode())
                _extract(archive, list(_of_zip(archive, file)), partial, file)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as tar:
                _extract(archive, list(_of_tar(archive, tar)), partial, tar)
        else:
            raise _unknown(archive)
        partial.replace(folder)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise DamagedArchiveError(f"{archive} is damaged: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unknown(archive: Path) -> ArchiveError:
    with archive.open("rb") as file:
        start = file.read(64)
    if start.startswith(RAR):
        return ArchiveError(
            f"{archive} is a RAR archive, which Python cannot unpack: unpack it with bsdtar, unrar or 7-Zip, and name "
            "that folder instead"
        )
    return DamagedArchiveError(f"{archive} is neither a zip nor a tar file: it begins with {start[:16]!r}")


def _of_zip(archive: Path, file: zipfile.ZipFile) -> Iterator[_Member]:
    for info in file.infolist():
        if stat.S_ISLNK(info.external_attr >> 16):
            raise ArchiveError(f"{archive} holds the link {info.filename}: nothing was unpacked")
        if not info.is_dir():
            yield _Member(info.filename, info.file_size, info)


def _of_tar(archive: Path, file: tarfile.TarFile) -> Iterator[_Member]:
    for info in file:
        if not (info.isreg() or info.isdir()):
            raise ArchiveError(f"{archive} holds {info.name}, a link or device: nothing was unpacked")
        if info.isreg():
            yield _Member(info.name, info.size, info)


def _extract(archive: Path, members: list[_Member], folder: Path, file: zipfile.ZipFile | tarfile.TarFile) -> None:
    """Write every member, after all have been looked at."""
    for member in members:
        path = PurePosixPath(member.name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.as_posix().split("/")[0] or not path.parts:
            raise ArchiveError(f"{archive} holds the path {member.name}, which leads outside: nothing was unpacked")
    needed, free = sum(member.size for member in members), shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(f"{archive} needs {needed:,} bytes, {folder.parent} has {free:,}: make room and run again")
    for member in members:
        target = folder / member.name.replace("\\", "/")
        target.parent.mkdir(parents=True, exist_ok=True)
        with _open(file, member) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)


def _open(file: zipfile.ZipFile | tarfile.TarFile, member: _Member) -> IO[bytes]:
    if isinstance(member.source, zipfile.ZipInfo) and isinstance(file, zipfile.ZipFile):
        try:
            return file.open(member.source)
        except RuntimeError as error:  # zipfile has no type of its own for passwords
            raise ArchiveError(f"{member.name} cannot be read: {error}") from error
    stream = file.extractfile(member.source) if isinstance(file, tarfile.TarFile) else None  # type: ignore[arg-type]
    if stream is None:
        raise ArchiveError(f"{member.name} cannot be read")
    return stream
