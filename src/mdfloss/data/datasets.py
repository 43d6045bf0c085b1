"""Public image sets by name: where they are, what their terms are, and how they become a folder.

Every one of them works as a folder that you have, too. The official addresses publish no checksums; those of DIV2K are
TensorFlow Datasets' (`url_checksums/div2k.txt`). The SHA-256 of what came is always written beside the pictures.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mdfloss.files import atomic_write

from .archive import DamagedArchiveError, unpack
from .download import DownloadError, download

__all__ = ["DATASETS", "DataSource", "get_dataset"]


@dataclass(frozen=True)
class DataSource:
    """One public image set.

    Args:
        title: Full name.
        page: Web page of its authors.
        licence: Terms, as the page states them.
        urls: An archive, or pictures; empty where the authors give the files on request or in parts only.
        sha256: What the files must be, one for each address; empty where none is known.
        password: Of the archive, as the page gives it.
        mirror: Who serves the files, where it is not the authors.
    """

    title: str
    page: str
    licence: str
    urls: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    password: str | None = None
    mirror: str = ""


_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"
_BENCHMARK = "none stated; a customary academic benchmark"
_DNCNN = "github.com/cszn/DnCNN"

SET5 = ("baby", "bird", "butterfly", "head", "woman")
SET14 = (
    *("baboon", "barbara", "bridge", "coastguard", "comic", "face", "flowers", "foreman", "lenna", "man", "monarch"),
    *("pepper", "ppt3", "zebra"),
)
LIVE1 = (
    *("bikes", "building2", "buildings", "caps", "carnivaldolls", "cemetry", "churchandcapitol", "coinsinfountain"),
    *("dancers", "flowersonih35", "house", "lighthouse2", "lighthouse3", "manfishing", "monarch", "ocean"),
    *("paintedhouse", "parrots", "plane", "rapids", "sailing1", "sailing2", "sailing3", "sailing4", "statue"),
    *("stream", "studentsculpture", "woman", "womanhat"),
)


def _of_dncnn(folder: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Pictures among the test sets of DnCNN's authors."""
    return tuple(f"https://raw.githubusercontent.com/cszn/DnCNN/master/testsets/{folder}/{name}.bmp" for name in names)


DATASETS: dict[str, DataSource] = {
    "div2k-train": DataSource(
        "DIV2K, 800 training pictures of 2K",
        f"{_DIV2K}/",
        "academic research only",
        (f"{_DIV2K}/DIV2K_train_HR.zip",),
        ("9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",),
    ),
    "div2k-valid": DataSource(
        "DIV2K, 100 validation pictures",
        f"{_DIV2K}/",
        "academic research only",
        (f"{_DIV2K}/DIV2K_valid_HR.zip",),
        ("20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",),
    ),
    "bsds500": DataSource(
        "Berkeley Segmentation Dataset, 500 pictures",
        "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/resources.html",
        "non-commercial research and education",
        ("https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/BSR/BSR_bsds500.tgz",),
    ),
    "kodak": DataSource(
        "Kodak Lossless True Color Image Suite, 24 pictures",
        "https://r0k.us/graphics/kodak/",
        "released by Kodak for unrestricted use",
        tuple(f"https://r0k.us/graphics/kodak/kodak/kodim{number:02}.png" for number in range(1, 25)),
    ),
    "mcmaster": DataSource(
        "McMaster, 18 pictures",
        "https://www4.comp.polyu.edu.hk/~cslzhang/CDM_Dataset.htm",
        _BENCHMARK,
        ("https://www4.comp.polyu.edu.hk/~cslzhang/DATA/McM.zip",),
        password="McM_CDM",  # noqa: S106  printed on the page
    ),
    "tid2013": DataSource(
        "TID2013, 25 pictures and 3,000 distorted ones, as a RAR archive",
        "https://www.ponomarenko.info/tid2013.htm",
        "research; see its readme",
        ("https://www.ponomarenko.info/tid2013/tid2013.rar",),
    ),
    "set5": DataSource(
        "Set5, 5 pictures",
        "http://people.rennes.inria.fr/Aline.Roumy/results/SR_BMVC12.html",
        _BENCHMARK,
        _of_dncnn("Set5", tuple(f"{name}_GT" for name in SET5)),
        mirror=_DNCNN,
    ),
    "set14": DataSource(
        "Set14, 14 pictures",
        "https://sites.google.com/site/romanzeyde/research-interests",
        _BENCHMARK,
        _of_dncnn("Set14", SET14),
        mirror=_DNCNN,
    ),
    "live1": DataSource(
        "LIVE1, 29 pictures",
        "https://live.ece.utexas.edu/research/quality/subjective.htm",
        "research; the authors give it on request",
        _of_dncnn("LIVE1", LIVE1),
        mirror=_DNCNN,
    ),
    "dped": DataSource(
        "DPED, phone and camera pairs", "http://people.ee.ethz.ch/~ihnatova/", "research only; in parts, by hand"
    ),
}
"""Every set that has a name."""


def get_dataset(
    name: str,
    root: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    sources: Mapping[str, DataSource] = DATASETS,
    progress: Callable[[int, int | None], None] = lambda _done, _total: None,
) -> Path:
    """Download an image set and unpack it; a broken attempt is continued.

    Args:
        name: A name in `sources`.
        root: Folder under which the set becomes a folder of its name.
        sha256: What the archive must be, in the place of the source's; only for sets of one file.
        sources: Where sets are.
        progress: See `download`.

    Returns:
        The folder, with a `SOURCE.json` that says address, licence and SHA-256; a folder that is there already is
        returned as it is.

    Raises:
        ValueError: An unknown name, or a checksum for a set of several files.
        DownloadError: The set cannot be downloaded by a program (the message names its page), or a download failed.
        ArchiveError: The archive cannot be unpacked or holds what must not be; a damaged one is removed.
        OSError: The disk is full; the set does not appear, what was downloaded is kept.
    """
    if name not in sources:
        raise ValueError(f"there is no data set {name!r}: known are {', '.join(sources)}")
    source, folder = sources[name], Path(root) / name
    if folder.exists():
        return folder
    if not source.urls:
        raise DownloadError(
            f"{source.title} has no address for programs: get it from {source.page} and name its folder instead"
        )
    if sha256 is not None and len(source.urls) > 1:
        raise ValueError(f"{name} has {len(source.urls)} files: one sha256 cannot fit all")
    downloads = Path(root) / ".downloads" / name
    files = [downloads / Path(url).name for url in source.urls]
    wanted = (sha256,) if sha256 is not None else source.sha256 or (None,) * len(files)
    digests = {
        url: download(url, file, sha256=digest, progress=progress)
        for url, file, digest in zip(source.urls, files, wanted, strict=True)
    }
    record = {key: getattr(source, key) for key in ("title", "page", "licence", "mirror")} | {"sha256": digests}
    try:
        _assemble(files, folder, record, source.password)
    except DamagedArchiveError:
        shutil.rmtree(downloads)  # so that the next attempt does not begin with it
        raise
    shutil.rmtree(downloads)
    return folder


def _assemble(files: list[Path], folder: Path, record: Mapping[str, object], password: str | None) -> None:
    """One archive is unpacked, single pictures are moved together; the folder appears last, with its record."""
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        if len(files) == 1:
            unpack(files[0], partial, password=password)
        else:
            partial.mkdir(parents=True)
            for file in files:
                shutil.copy(file, partial / file.name)
        with atomic_write(partial / "SOURCE.json") as text:
            text.write_text(json.dumps(record, indent=2), "utf-8")
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
