"""The test pictures of a comparison as files, clean and distorted, and what the distorted ones score as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mdfloss.distortions.resample import resize
from mdfloss.evaluation.metrics import measure
from mdfloss.evaluation.table import Score, ScoreTable
from mdfloss.files import atomic_write
from mdfloss.images import write_image

from .grid import Grid
from .run import asked_of_tests, grid_examples

__all__ = ["Pictures", "write_pictures"]

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


def write_pictures(grid: Grid, task: str, test: str, *, upscale: int, folder: Path) -> Pictures:
    """Write the pictures of a test, unless a folder holds them already.

    Args:
        grid: The comparison.
        task: Name of the task.
        test: Name of one of its tests.
        upscale: The network's; smaller pictures are brought to size by bicubic interpolation.
        folder: Where.

    Returns:
        Files and scores.
    """
    label = "Distorted" if upscale == 1 else "Bicubic"
    described = json.dumps({**asked_of_tests(grid, task), "test": test, "upscale": upscale}, indent=2)
    record = folder / RECORD
    if not record.is_file() or record.read_text("utf-8") != described:
        rows, protocol = [], grid.tasks[task].protocol
        for example in grid_examples(grid, task, test, upscale=upscale):
            height, width = example.clean.shape[-2:]
            shown = example.distorted if upscale == 1 else resize(example.distorted, (height, width), kernel="bicubic")
            write_image(folder / "clean" / f"{example.name}.png", example.clean, force=True)
            write_image(folder / "distorted" / f"{example.name}.png", shown, force=True)
            values = {name: measure(name, shown, example.clean, protocol=protocol).item() for name in grid.metrics}
            rows.append(Score(example.name, label, values))
        ScoreTable(grid.metrics, tuple(rows), str(protocol)).save_csv(folder / SCORES)
        with atomic_write(record) as partial:
            partial.write_text(described, "utf-8")
    scores = ScoreTable.load_csv(folder / SCORES)
    clean, distorted = (
        {name: folder / kind / f"{name}.png" for name in scores.images} for kind in ("clean", "distorted")
    )
    return Pictures(clean, distorted, label, scores)
