"""One run of the grid: train, restore the test pictures, score them. Done once, resumed where it stopped."""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from mdfloss.data import sample_generator
from mdfloss.data.pictures import evenly_spread
from mdfloss.distortions.protocol import load_distortion
from mdfloss.evaluation.metrics import measure
from mdfloss.evaluation.table import Score, ScoreTable
from mdfloss.files import atomic_write, sha256_of
from mdfloss.images import named_images, read_image, write_image
from mdfloss.networks import load_network
from mdfloss.restore import restore_image
from mdfloss.training import Hardware, train
from mdfloss.training.module import TrainingDivergedError, learnt_digests

from .grid import Grid
from .plan import Run, expression, train_config

__all__ = ["Example", "asked_of_tests", "grid_examples", "is_done", "read_result", "run_one"]

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


def grid_examples(grid: Grid, task: str, test: str, *, upscale: int = 1, channels: int = 3) -> Iterator[Example]:
    """The pictures of a test with their distortion, whose chance depends on the picture's number alone.

    Args:
        grid: The comparison.
        task: Name of the task.
        test: Name of one of its tests.
        upscale: Pictures are cropped to a multiple of it.
        channels: 3 for colour, 1 for gray.

    Yields:
        One picture at a time.

    Raises:
        ImageFileError: Two pictures have one name.
    """
    described = grid.tasks[task].tests[test]
    distortion = load_distortion(**(described.distortion or grid.tasks[task].distortion))
    for index, name, path in _test_pictures(grid, task, test):
        clean = read_image(path, channels=channels)
        height, width = (side - side % upscale for side in clean.shape[-2:])
        clean = clean[..., :height, :width].contiguous()
        yield Example(name, clean, distortion(clean, sample_generator(0, TEST_STREAM, index)))


def _test_pictures(grid: Grid, task: str, test: str) -> list[tuple[int, str, Path]]:
    """Number, name and file of the pictures that a test takes from its folder."""
    named = list(named_images(Path(grid.tasks[task].tests[test].images or grid.test_dir)).items())
    return [(index, *named[index]) for index in evenly_spread(len(named), grid.max_test_images)]


def _pictures_digest(grid: Grid, task: str, test: str) -> str:
    """SHA-256 of a test's pictures, as files."""
    digest = hashlib.sha256()
    for _, name, path in _test_pictures(grid, task, test):
        state = path.stat()
        digest.update(f"{name}\0{_file_digest(path, (state.st_mtime_ns, state.st_size))}\0".encode())
    return digest.hexdigest()


@functools.lru_cache(maxsize=65_536)
def _file_digest(path: Path, _state: tuple[int, int]) -> str:
    """SHA-256 of a file; it is read again only where its time or its size is another."""
    return sha256_of(path)


def read_result(folder: Path) -> dict[str, Any] | None:
    """What a run left in `result.json`, the last of its files.

    Args:
        folder: The run's folder.

    Returns:
        Its fields, or None where the run is not done.
    """
    file = folder / "result.json"
    found: dict[str, Any] | None = json.loads(file.read_text("utf-8")) if file.is_file() else None
    return found


def is_done(grid: Grid, run: Run, output: Path) -> bool:
    """Whether a run is done, and is what the grid asks for; otherwise `run_one` scores it anew, or refuses.

    Args:
        grid: The comparison.
        run: Which of its runs.
        output: Folder of the comparison.
    """
    result = read_result(output / run.path)
    return result is not None and _without_none(result.get("asked")) == _without_none(_asked(grid, run))


def _without_none(values: Any) -> Any:
    """An option that is None is as good as one that an older version did not have."""
    if isinstance(values, dict):
        return {name: _without_none(value) for name, value in values.items() if value is not None}
    return values


def asked_of_tests(grid: Grid, task: str) -> dict[str, Any]:
    """What the test scores of a task depend on, as JSON holds it.

    Args:
        grid: The comparison.
        task: Name of the task.
    """
    described = grid.tasks[task]
    asked = {
        "tests": {
            name: {
                "distortion": test.distortion or described.distortion,
                "images": test.images or grid.test_dir,
                "sha256": _pictures_digest(grid, task, name),
            }
            for name, test in described.tests.items()
        },
        "metrics": grid.metrics,
        "protocol": str(described.protocol),
        "max_test_images": grid.max_test_images,
    }
    plain: dict[str, Any] = json.loads(json.dumps(asked))
    return plain


def _asked(grid: Grid, run: Run) -> dict[str, Any]:
    """What a run's result depends on."""
    config = train_config(grid, run)
    training: dict[str, Any] = json.loads(json.dumps(config.to_dict()))
    return {"training": training, **learnt_digests(config), **asked_of_tests(grid, run.task)}


def run_one(grid: Grid, run: Run, output: Path, *, spent: float = 0.0) -> Path:
    """Do one run, unless it is done; go on with it where it stopped; score it anew where other scores are asked for.

    A training that diverges is a result too: it is recorded, and the grid goes on without it.

    Args:
        grid: The comparison.
        run: Which of its runs.
        output: Folder of the comparison.
        spent: Seconds that it was trained already, beside others.

    Returns:
        The run's folder: `config.json`, `curves.csv`, the networks, `tests/TEST/`, `result.json`.

    Raises:
        RunFolderError: The folder holds a run with another config.
    """
    folder = output / run.path
    if is_done(grid, run, output):
        return folder
    started = time.monotonic() - spent
    before = read_result(folder)
    resume = (folder / "config.json").is_file()
    result = {**run._asdict(), "expression": expression(grid, run), "asked": _asked(grid, run)}
    try:
        hardware = Hardware(accelerator=grid.training.accelerator)
        trained = train(train_config(grid, run), folder, hardware=hardware, resume=resume)
        seconds = time.monotonic() - started if before is None else before["seconds"]
        _score(grid, run, folder)
        result |= {"val_psnr": trained.val_psnr, "seconds": seconds, "resumed": resume, "failure": ""}
    except TrainingDivergedError as error:
        result |= {"seconds": time.monotonic() - started, "resumed": resume, "failure": str(error)}
    with atomic_write(folder / "result.json") as partial:
        partial.write_text(json.dumps(result, indent=2), "utf-8")
    return folder


def _score(grid: Grid, run: Run, folder: Path) -> None:
    """Restore and score the test pictures with the network of the last step, as the budget asks."""
    device = Hardware(accelerator=grid.training.accelerator).device
    network = load_network(folder / "last.safetensors").to(device)
    protocol = grid.tasks[run.task].protocol
    for test in grid.tasks[run.task].tests:
        rows = []
        for example in grid_examples(grid, run.task, test, upscale=network.upscale, channels=network.in_channels):
            restored = restore_image(network, example.distorted, upscale=network.upscale, device=device)
            write_image(folder / "tests" / test / "restored" / f"{example.name}.png", restored, force=True)
            values = {name: measure(name, restored, example.clean, protocol=protocol).item() for name in grid.metrics}
            rows.append(Score(example.name, run.loss, values))
        ScoreTable(grid.metrics, tuple(rows), str(protocol)).save_csv(folder / "tests" / test / "scores.csv")
