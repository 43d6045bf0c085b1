"""Public image sets by name: where they are, what their terms are, and how they become a folder.

Every one of them works as a folder that you have, too. No checksum is published by the official addresses; the
SHA-256 of what came is written beside the pictures, and one can be demanded.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..files import atomic_write
from .archive import unpack
from .download import DownloadError, download

__all__ = ["DATASETS", "DataSource", "get_dataset"]


@dataclass(frozen=True)
class DataSource:
    """One public image set.

    Args:
        title: Full name.
        page: Web page of its authors.
        licence: Terms, as the page states them.
        urls: Archives or pictures; empty where the authors give the files on request or in parts only.
    """

    title: str
    page: str
    licence: str
    urls: tuple[str, ...] = ()


_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"
_BENCHMARK = "none stated; a customary academic benchmark"

DATASETS: dict[str, DataSource] = {
    "div2k-train": DataSource(
        "DIV2K, 800 training pictures of 2K",
        f"{_DIV2K}/",
        "academic research only",
        (f"{_DIV2K}/DIV2K_train_HR.zip",),
    ),
    "div2k-valid": DataSource(
        "DIV2K, 100 validation pictures", f"{_DIV2K}/", "academic research only", (f"{_DIV2K}/DIV2K_valid_HR.zip",)
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
    "dped": DataSource("DPED, phone and camera pairs", "http://people.ee.ethz.ch/~ihnatova/", "research only"),
    "set5": DataSource("Set5", "http://people.rennes.inria.fr/Aline.Roumy/results/SR_BMVC12.html", _BENCHMARK),
    "set14": DataSource("Set14", "https://sites.google.com/site/romanzeyde/research-interests", _BENCHMARK),
    "live1": DataSource("LIVE1", "https://live.ece.utexas.edu/research/quality/subjective.htm", "on request"),
    "mcmaster": DataSource("McMaster", "https://www4.comp.polyu.edu.hk/~cslzhang/CDM_Dataset.htm", _BENCHMARK),
    "tid2013": DataSource("TID2013", "https://www.ponomarenko.info/tid2013.htm", "research; see its readme"),
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
        sha256: What the archive must be; only for sets of one file.
        sources: Where sets are.
        progress: See `download`.

    Returns:
        The folder, with a `SOURCE.json` that says address, licence and SHA-256; a folder that is there already is
        returned as it is.

    Raises:
        ValueError: An unknown name, or a checksum for a set of several files.
        DownloadError: The set cannot be downloaded by a program (the message names its page), or a download failed.
        ArchiveError: The archive is damaged or holds what must not be unpacked.
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
    digests = {}
    for url in source.urls:
        file = downloads / Path(url).name
        digests[url] = download(url, file, sha256=sha256, progress=progress)
    record = {"title": source.title, "page": source.page, "licence": source.licence, "sha256": digests}
    _assemble([downloads / Path(url).name for url in source.urls], folder, record)
    shutil.rmtree(downloads)
    return folder


def _assemble(files: list[Path], folder: Path, record: Mapping[str, object]) -> None:
    """One archive is unpacked, single pictures are moved together; the folder appears last."""
    if len(files) == 1:
        unpack(files[0], folder)
    else:
        partial = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        for file in files:
            shutil.copy(file, partial / file.name)
        partial.replace(folder)
    with atomic_write(folder / "SOURCE.json") as text:
        text.write_text(json.dumps(record, indent=2), "utf-8")
