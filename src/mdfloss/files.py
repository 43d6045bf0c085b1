"""Files: written so that nothing is lost, found through links and all, and told apart by their bytes."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_write", "files_below", "refuse_overwrite", "sha256_of"]


def refuse_overwrite(path: Path, *, force: bool) -> None:
    """Raise when `path` exists and may not be replaced.

    Args:
        path: File or folder about to be written.
        force: Allow the replacement.

    Raises:
        FileExistsError: `path` exists and `force` is False.
    """
    if not force and path.exists():
        raise FileExistsError(f"{path} exists: choose another name, or pass --force to replace it")


@contextmanager
def atomic_write(path: str | os.PathLike[str], *, force: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path` when the block ends well.

    A block that raises, or a process that is killed inside it, leaves what stood at `path` as it was.

    Args:
        path: Where the finished file shall be; its folder is made.
        force: Replace an existing file.

    Yields:
        The path to write to, on the same file system and with the same suffix.

    Raises:
        FileExistsError: `path` exists and `force` is False.
    """
    final = Path(path)
    refuse_overwrite(final, force=force)
    final.parent.mkdir(parents=True, exist_ok=True)
    partial = final.with_name(f".{secrets.token_hex(8)}.part{final.suffix}")  # short: a name may have 255 bytes
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(final)
    finally:
        partial.unlink(missing_ok=True)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def files_below(folder: Path) -> Iterator[Path]:
    """Every file at any depth, through links to folders too; a folder that a link leads back to is passed over.

    Args:
        folder: Where to look.
    """
    entered: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        entered.add(os.path.realpath(place))
        folders[:] = [name for name in sorted(folders) if os.path.realpath(Path(place, name)) not in entered]
        yield from (Path(place, name) for name in files)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
