"""`mdfloss inspect`."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from mdfloss.evaluation.plots import check_plots, save_figure
from mdfloss.files import atomic_write, refuse_overwrite
from mdfloss.images import find_images, read_image
from mdfloss.inspection import InspectConfig, InspectedLoss, Inspection, inspect_losses, read_losses
from mdfloss.inspection.page import (
    HEADINGS,
    common_drawings,
    own_drawings,
    response_drawing,
    summary_cells,
    write_inspect_page,
)
from mdfloss.seeds import photograph
from mdfloss.version import __version__

__all__ = ["inspect"]

PHOTOGRAPHS = ("chelsea", "coffee", "rocket")
"""Colour photographs of scikit-image that losses are shown by default; the astronaut is the usual seed of a fit."""


def inspect(
    losses: list[str],
    *,
    output: Path,
    images: Path | None = None,
    num_crops: int = InspectConfig.num_crops,
    sigma: float = InspectConfig.sigma,
    seed: int = 0,
    force: bool = False,
) -> None:
    """Look at losses before training with them: gains, borders, layers, response curves, condition number.

    Args:
        losses: Banks, or expressions such as l1, mdf:denoise.safetensors@paper, mse+0.1*lpips.
        output: Folder for inspect.html, inspect.json and the plots.
        images: Folder of clean pictures, or one; photographs of scikit-image by default.
        num_crops: Crops of them, for every measurement.
        sigma: RMS of the errors that the losses are shown, in 1/255.
        seed: Decides crops, phases and noise.
        force: Replace an earlier inspection.
    """
    check_plots()
    for name in ("inspect.html", "inspect.json"):
        refuse_overwrite(output / name, force=force)
    config = InspectConfig(num_crops=num_crops, sigma=sigma, seed=seed)
    subjects = read_losses(losses)
    pictures = _pictures(images, num_crops)
    console = Console(highlight=False)
    found = _inspect_shown(subjects, pictures, config, console)
    _write(found, output, config, of=f"scikit-image's {', '.join(PHOTOGRAPHS)}" if images is None else images.name)
    console.print(_table(found))
    console.print(f"page: {output / 'inspect.html'}", markup=False, soft_wrap=True)


def _pictures(images: Path | None, count: int) -> list[Tensor]:
    if images is None:
        return [photograph(name) for name in PHOTOGRAPHS]
    files = find_images(images)
    spaced = [files[index * len(files) // count] for index in range(count)] if len(files) > count else files
    return [read_image(file) for file in spaced]


def _inspect_shown(
    subjects: Sequence[InspectedLoss], pictures: Sequence[Tensor], config: InspectConfig, console: Console
) -> list[Inspection]:
    found = []
    started = time.monotonic()
    with console.status("preparing the pictures") as status:
        for index, one in enumerate(inspect_losses(subjects, pictures, config=config), start=1):
            found.append(one)
            seconds, started = time.monotonic() - started, time.monotonic()
            said = ", ".join(
                f"{what} {cell}" for what, cell in zip(HEADINGS.values(), summary_cells(one.summary), strict=True)
            )
            console.print(f"{one.name}: {said} ({seconds:.0f} s)", markup=False, soft_wrap=True)
            status.update(f"{index} of {len(subjects)} losses done")
    return found


def _write(found: Sequence[Inspection], output: Path, config: InspectConfig, *, of: str) -> None:
    """Plots, JSON and page; the page last, so that it stands for a whole inspection."""
    for drawing in common_drawings(found):
        save_figure(drawing.figure, output / "plots" / f"{drawing.name}.svg")
    for number, one in enumerate(found, start=1):
        for drawing in (response_drawing(one), *own_drawings(one)):
            save_figure(drawing.figure, output / "plots" / f"{number}-{drawing.name}.svg")
    command = shlex.join(["mdfloss", *sys.argv[1:]])
    settings = {"mdfloss": __version__, "pictures": of, **{k: str(v) for k, v in vars(config).items()}}
    document = {"command": command, "settings": settings, "losses": [one.to_json() for one in found]}
    with atomic_write(output / "inspect.json") as partial:
        partial.write_text(json.dumps(document, indent=1), encoding="utf-8")
    write_inspect_page(found, output / "inspect.html", commands=[command], facts=settings, force=True)


def _table(found: Sequence[Inspection]) -> Table:
    table = Table(title="Losses inspected", title_justify="left")
    table.add_column("loss", overflow="fold")
    for heading in HEADINGS.values():
        table.add_column(heading, justify="right")
    for one in found:
        table.add_row(Text(one.name), *summary_cells(one.summary))
    return table
