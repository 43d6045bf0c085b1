"""One run of the grid: train, restore the test pictures, score them. Done once, resumed where it stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from mdfloss.data import sample_generator
from mdfloss.distortions.protocol import load_distortion
from mdfloss.evaluation.metrics import measure
from mdfloss.evaluation.table import Score, ScoreTable
from mdfloss.files import atomic_write
from mdfloss.images import find_images, read_image, write_image
from mdfloss.networks import load_network
from mdfloss.restore import restore_image
from mdfloss.training import Hardware, train

from .grid import Grid, Run

__all__ = ["Example", "grid_examples", "is_done", "run_one"]

TEST_STREAM = 17
"""Keeps the draws of test distortions apart from those of trainings."""


class Example(NamedTuple):
    """A test picture.

    Attributes:
        name: Its path below the test folder, without suffix.
        clean: 1 × 3 × H × W in [0, 1].
        distorted: What is to be restored; not clipped, equal for every method.
    """

    name: str
    clean: Tensor
    distorted: Tensor


def grid_examples(grid: Grid, task: str, *, upscale: int = 1) -> Iterator[Example]:
    """The test pictures of a task with their distortion, which depends on the picture's number alone.

    Args:
        grid: The comparison.
        task: Name of the task.
        upscale: Pictures are cropped to a multiple of it.

    Yields:
        One picture at a time.
    """
    described = grid.tasks[task].test_distortion or grid.tasks[task].distortion
    distortion = load_distortion(**described)
    folder = Path(grid.test_dir)
    paths = find_images(folder)
    chosen = np.unique(np.linspace(0, len(paths) - 1, min(grid.max_test_images or len(paths), len(paths))).round())
    for index in chosen.astype(int).tolist():
        clean = read_image(paths[index])
        height, width = (side - side % upscale for side in clean.shape[-2:])
        clean = clean[..., :height, :width].contiguous()
        name = paths[index].relative_to(folder).with_suffix("").as_posix()
        yield Example(name, clean, distortion(clean, sample_generator(0, TEST_STREAM, index)))


def is_done(folder: Path) -> bool:
    """Whether a run's results are complete: its last file is written when all others are.

    Args:
        folder: The run's folder.
    """
    return (folder / "result.json").is_file()


def run_one(grid: Grid, run: Run, output: Path) -> Path:
    """Do one run, unless it is done; go on with it where it stopped.

    Args:
        grid: The comparison.
        run: Which of its runs.
        output: Folder of the comparison.

    Returns:
        The run's folder: `config.json`, `curves.csv`, the networks, `restored/`, `scores.csv`, `result.json`.

    Raises:
        RunFolderError: The folder holds a run with another config.
        TrainingDivergedError: A value is no longer finite.
    """
    folder = output / run.path
    if is_done(folder):
        return folder
    started = time.monotonic()
    resume = (folder / "config.json").is_file()
    hardware = Hardware(accelerator=grid.training.accelerator)
    trained = train(grid.train_config(run), folder, hardware=hardware, resume=resume)
    _score(grid, run, folder)
    result = {
        **run._asdict(),
        "expression": grid.expression(run),
        "val_psnr": trained.val_psnr,
        "seconds": time.monotonic() - started,
        "resumed": resume,
    }
    with atomic_write(folder / "result.json") as partial:
        partial.write_text(json.dumps(result, indent=2), "utf-8")
    return folder


def _score(grid: Grid, run: Run, folder: Path) -> None:
    """Restore and score the test pictures with the network of the last step: equal steps for all losses."""
    network = load_network(folder / "last.safetensors")
    protocol = grid.tasks[run.task].protocol
    rows = []
    for example in grid_examples(grid, run.task, upscale=network.upscale):
        restored = restore_image(network, example.distorted, upscale=network.upscale)
        write_image(folder / "restored" / f"{example.name}.png", restored, force=True)
        values = {name: measure(name, restored, example.clean, protocol=protocol).item() for name in grid.metrics}
        rows.append(Score(example.name, run.loss, values))
    ScoreTable(grid.metrics, tuple(rows), str(protocol)).save_csv(folder / "scores.csv")
