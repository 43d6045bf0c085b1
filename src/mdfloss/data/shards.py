"""Large training sets in shards: one folder on disk or in S3 that is read picture by picture, by LitData.

The pictures' files go into the shards as they are, in the order in which the folder would be read, after one item
that says what follows. So a training from shards has the same samples as one from the folder.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from mdfloss.files import refuse_overwrite
from mdfloss.images import ImageFileError

from .pictures import ImageSet, PictureSet, Skipped, picture_levels

__all__ = ["ShardError", "ShardSet", "is_sharded", "open_pictures", "write_shards"]

CHUNK_MIB = 64
"""Size of one shard: what is downloaded at once."""

FORMAT_VERSION = 1


class ShardError(ValueError):
    """Shards cannot be read: of another kind, of a newer format, or out of reach."""


def is_sharded(where: str | os.PathLike[str]) -> bool:
    """Whether a path or an address stands for shards rather than for a folder of pictures.

    Args:
        where: A folder, or an address such as s3://bucket/set, or local:folder for LitData's copy of one.
    """
    is_address = "://" in str(where) or str(where).startswith("local:")
    return is_address or Path(where, "index.json").is_file()


def open_pictures(where: str | os.PathLike[str], *, channels: int = 3, min_size: int = 1) -> PictureSet:
    """The pictures of a folder, or of shards.

    Args:
        where: A folder of pictures, a folder of shards, or the address of one, such as s3://bucket/set.
        channels: 3 for colour, 1 for gray.
        min_size: Smallest side in px; smaller pictures are skipped.

    Raises:
        FileNotFoundError: No such folder.
        ImageFileError: No picture is usable.
        ShardError: The shards cannot be read.
        ModuleNotFoundError: It is shards, and LitData is missing.
    """
    if is_sharded(where):
        return ShardSet(where, channels=channels, min_size=min_size)
    return ImageSet(where, channels=channels, min_size=min_size)


def write_shards(
    folder: str | os.PathLike[str], output: str | os.PathLike[str], *, chunk_mib: int = CHUNK_MIB
) -> list[Skipped]:
    """Make shards of a folder of pictures; they appear whole or not at all.

    Args:
        folder: Pictures.
        output: New folder for the shards; copy it to S3 if that is where they shall be.
        chunk_mib: Size of one shard, MiB.

    Returns:
        Pictures left out, and why.

    Raises:
        FileExistsError: `output` exists.
        ImageFileError: No picture is usable.
        ModuleNotFoundError: LitData is missing.
    """
    if chunk_mib < 1:
        raise ValueError(f"chunk_mib must be at least 1, got {chunk_mib}")
    output = Path(output)
    refuse_overwrite(output, force=False)
    litdata = _litdata()
    images = ImageSet(folder, cache_bytes=0)
    names = [path.relative_to(folder).as_posix() if Path(folder).is_dir() else path.name for path in images.paths]
    pictures = [[name, *size] for name, size in zip(names, images.sizes, strict=True)]
    partial = output.with_name(f".{output.name}.{secrets.token_hex(4)}.part")
    partial.mkdir(parents=True)
    try:
        cache = litdata.streaming.Cache(str(partial), chunk_bytes=chunk_mib << 20)
        cache[0] = json.dumps({"mdfloss_shards": FORMAT_VERSION, "pictures": pictures}).encode()
        for number, path in enumerate(images.paths, 1):
            cache[number] = path.read_bytes()
        cache.done()
        cache.merge()
        partial.replace(output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return images.skipped


class ShardSet:
    """The usable pictures of shards that `write_shards` made; read and decoded at each use.

    Shards at an address are downloaded as they are needed, and kept in LitData's folder on this machine while there
    is room.

    Args:
        where: Folder or address.
        channels: 3 for colour (gray is repeated), 1 for gray.
        min_size: Smallest side in px; smaller pictures are skipped.

    Attributes:
        skipped: Pictures left out, and why.

    Raises:
        ImageFileError: No picture is large enough.
        ShardError: The shards cannot be read.
        ModuleNotFoundError: LitData is missing.
    """

    def __init__(self, where: str | os.PathLike[str], *, channels: int = 3, min_size: int = 1) -> None:
        self.where = str(where)
        self.channels = channels
        self.skipped: list[Skipped] = []
        self._reader: tuple[int, Any] | None = None
        pictures = self._contents()
        self._numbers: list[int] = []
        self._suffixes: list[str] = []
        for number, (name, height, width) in enumerate(pictures, 1):
            if min(height, width) < min_size:
                reason = f"{height}×{width} px, smaller than the {min_size} px asked for"
                self.skipped.append(Skipped(Path(name), reason))
            else:
                self._numbers.append(number)
                self._suffixes.append(Path(name).suffix)
        if not self._numbers:
            raise ImageFileError(f"{self.where} has no picture of {min_size} px or more among {len(pictures)}")

    def __len__(self) -> int:
        return len(self._numbers)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_reader": None}

    def levels(self, index: int) -> Tensor:
        """One picture as the integers of its file, (C, H, W), uint8 or uint16."""
        content = self._open()[self._numbers[index]]
        # Pictures are decoded from files, so that a shard and a folder cannot differ.
        with tempfile.NamedTemporaryFile(suffix=self._suffixes[index]) as file:
            file.write(content)
            file.flush()
            return picture_levels(file.name, channels=self.channels)

    def _contents(self) -> list[tuple[str, int, int]]:
        """Name, height and width of each picture: what item 0 says."""
        first = self._open()[0]
        try:
            header = json.loads(bytes(first))
            version = header["mdfloss_shards"]
        except (ValueError, KeyError, TypeError) as error:
            raise ShardError(f"{self.where} holds shards of another kind: make them with mdfloss data shard") from error
        if version != FORMAT_VERSION:
            raise ShardError(
                f"{self.where} has shards of format {version}, this mdfloss reads {FORMAT_VERSION}: upgrade mdfloss"
            )
        return [tuple(picture) for picture in header["pictures"]]

    def _open(self) -> Any:
        """LitData's reader; each process has its own, since it does not survive a fork."""
        if self._reader is None or self._reader[0] != os.getpid():
            litdata = _litdata()
            try:
                reader = litdata.StreamingDataset(self.where)
                reader[0:1]  # after a slice, what is downloaded is kept
            except Exception as error:  # whatever the storage's own library raises
                raise ShardError(f"{self.where} cannot be read as shards: {error}") from error
            self._reader = os.getpid(), reader
        return self._reader[1]


def _litdata() -> Any:
    try:
        import litdata
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('shards need LitData: pip install "mdfloss[shards]"') from error
    return litdata
