"""`mdfloss restore`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from mdfloss.networks import load_any_network
from mdfloss.restore import Tiling, plan_outputs, restore_files

from .device import find_device


def restore(
    network: Path,
    inputs: list[Path],
    *,
    output: Path,
    tile: int = 512,
    overlap: int = 32,
    device: str = "auto",
    force: bool = False,
) -> None:
    """Restore pictures with a trained network; each keeps its format, bit depth and alpha.

    Args:
        network: A network file of ours or of another project, or a run's folder, whose best network is taken.
        inputs: Pictures and folders of pictures.
        output: Folder for the results, or a picture where the input is one.
        tile: Side of what the network sees at once, px.
        overlap: Margin of a tile that is thrown away, px.
        device: auto, cpu, cuda, mps, ...
        force: Replace existing results.

    Raises:
        ValueError: Some pictures could not be restored; the others were.
    """
    tiling = Tiling(tile, overlap)
    plan = plan_outputs(inputs, output)
    where = find_device(device)
    found = load_any_network(network, device=where)
    with Progress(transient=True) as bar:
        task = bar.add_task("restore", total=len(plan))
        result = restore_files(
            found.model,
            plan,
            in_channels=found.in_channels,
            upscale=found.upscale,
            tiling=tiling,
            device=where,
            force=force,
            progress=lambda _: bar.advance(task),
        )
    Console(highlight=False).print(f"{output}: {len(result.written)} of {len(plan)} restored", markup=False)
    if result.skipped:
        lines = "\n".join(f"  {skipped.path}: {skipped.reason}" for skipped in result.skipped)
        raise ValueError(f"{len(result.skipped)} of {len(plan)} pictures could not be restored:\n{lines}")
