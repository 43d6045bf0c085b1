"""`mdfloss data get`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

from mdfloss.data import write_shards
from mdfloss.data.datasets import DATASETS, get_dataset


def get(name: str, *, output: Path = Path("datasets"), sha256: str | None = None) -> None:
    """Download a public image set, with its terms; a broken download goes on where it stopped.

    Args:
        name: div2k-train, div2k-valid, bsds500, kodak, ...; an unknown name lists them all.
        output: Folder under which the set becomes a folder of its name.
        sha256: What the archive must be; that of DIV2K is known.
    """
    console = Console(highlight=False)
    if name in DATASETS:
        source = DATASETS[name]
        console.print(f"{source.title}\n{source.page}\nterms: {source.licence}", markup=False)
        if source.mirror:
            console.print(f"the files come from {source.mirror}, not from the authors", markup=False)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        folder = get_dataset(
            name,
            output,
            sha256=sha256,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    console.print(str(folder), markup=False)


def shard(folder: Path, *, output: Path, chunk_mib: int = 64) -> None:
    """Make shards of a folder of pictures, from which a training can stream: on disk, or copied to S3.

    Args:
        folder: Pictures; subfolders are searched.
        output: New folder for the shards.
        chunk_mib: Size of one shard, MiB: what is downloaded at once.
    """
    skipped = write_shards(folder, output, chunk_mib=chunk_mib)
    console = Console(highlight=False)
    if skipped:
        console.print(f"{len(skipped)} pictures were skipped:", markup=False)
        for bad in skipped:
            console.print(f"  {bad.path}: {bad.reason}", markup=False, soft_wrap=True)
    console.print(str(output), markup=False)
