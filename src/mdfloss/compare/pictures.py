"""The test pictures of a comparison as files, clean and distorted, and what the distorted ones score as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mdfloss.data import is_sharded
from mdfloss.distortions.resample import resize
from mdfloss.evaluation.metrics import measure
from mdfloss.evaluation.table import Score, ScoreTable
from mdfloss.files import atomic_write
from mdfloss.images import ImageFileError, find_images, write_image
from mdfloss.networks import RestorationNetwork
from mdfloss.training.module import first_network

from .grid import Grid, GridNetwork
from .run import Example, asked_of_tests, grid_examples

__all__ = ["Pictures", "check_data", "write_pictures"]

RECORD, SCORES = "described.json", "scores.csv"


class Pictures(NamedTuple):
    """The pictures of a test.

    Attributes:
        clean: Name of the picture → file.
        distorted: The same for what is to be restored, 8 bits, brought to the size of the clean one.
        label: What the distorted ones are called.
        scores: Scores of the distorted ones: what a restoration has to beat.
    """

    clean: Mapping[str, Path]
    distorted: Mapping[str, Path]
    label: str
    scores: ScoreTable


def check_data(grid: Grid) -> None:
    """Find all folders, and score the first picture of every test as it is, before time is spent on trainings.

    Args:
        grid: The comparison.

    Raises:
        FileNotFoundError: No such folder, or no network to start from.
        ImageFileError: A folder has no pictures, or two of one name.
        ModuleNotFoundError: A metric needs a package that is not installed.
        ValueError: A picture is too small for a metric, or a network starts from another kind of network.
    """
    for name, folder in (("train_dir", grid.training.train_dir), ("val_dir", grid.training.val_dir)):
        if is_sharded(folder):
            continue  # the training opens them
        try:
            find_images(folder)
        except (FileNotFoundError, ImageFileError) as error:
            raise type(error)(f"training.{name}: {error}") from error
    networks = [_first(grid, network) for network in grid.networks.values()]
    for upscale, channels in {(network.upscale, network.in_channels) for network in networks}:
        for name, task in grid.tasks.items():
            for test in task.tests:
                example = next(grid_examples(grid, name, test, upscale=upscale, channels=channels))
                _as_it_is(grid, name, example, upscale)


def _first(grid: Grid, network: GridNetwork) -> RestorationNetwork:
    """A network as its trainings begin."""
    described = {"network": network.name, "network_args": network.arguments, "start": network.start}
    return first_network(grid.training.config(lr=grid.training.lrs[0], steps=1, **described), torch.Generator())


def _as_it_is(grid: Grid, task: str, example: Example, upscale: int) -> tuple[Tensor, dict[str, float]]:
    """A distorted picture in the size of the clean one, and its scores."""
    height, width = example.clean.shape[-2:]
    shown = example.distorted if upscale == 1 else resize(example.distorted, (height, width), kernel="bicubic")
    protocol = grid.tasks[task].protocol
    return shown, {name: measure(name, shown, example.clean, protocol=protocol).item() for name in grid.metrics}


def write_pictures(grid: Grid, task: str, test: str, *, upscale: int, channels: int = 3, folder: Path) -> Pictures:
    """Write the pictures of a test, unless a folder holds them already.

    Args:
        grid: The comparison.
        task: Name of the task.
        test: Name of one of its tests.
        upscale: The network's; smaller pictures are brought to size by bicubic interpolation.
        channels: The network's, 3 or 1.
        folder: Where.

    Returns:
        Files and scores.
    """
    label = "Distorted" if upscale == 1 else "Bicubic"
    asked = {**asked_of_tests(grid, task), "test": test, "upscale": upscale, "channels": channels}
    described = json.dumps(asked, indent=2)
    record = folder / RECORD
    if not record.is_file() or record.read_text("utf-8") != described:
        rows = []
        for example in grid_examples(grid, task, test, upscale=upscale, channels=channels):
            shown, values = _as_it_is(grid, task, example, upscale)
            write_image(folder / "clean" / f"{example.name}.png", example.clean, force=True)
            write_image(folder / "distorted" / f"{example.name}.png", shown, force=True)
            rows.append(Score(example.name, label, values))
        ScoreTable(grid.metrics, tuple(rows), str(grid.tasks[task].protocol)).save_csv(folder / SCORES)
        with atomic_write(record) as partial:
            partial.write_text(described, "utf-8")
    scores = ScoreTable.load_csv(folder / SCORES)
    clean, distorted = (
        {name: folder / kind / f"{name}.png" for name in scores.images} for kind in ("clean", "distorted")
    )
    return Pictures(clean, distorted, label, scores)
