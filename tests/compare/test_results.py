"""Results: the variant that is compared, means over seeds, and the files of everything."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mdfloss.compare import Grid
from mdfloss.compare.results import RunResult, compare_parts, save_tables
from mdfloss.evaluation import Score, ScoreTable


@pytest.fixture
def results(grid: Grid) -> list[RunResult]:
    """Results by hand: the variant of λ = 10 has the best validation, that of 0.1 the best test scores."""
    found = []
    for number, run in enumerate(grid.runs):
        validation = {None: 25.0, 0.1: 24.0, 10.0: 26.0}[run.weight]
        rows = [
            Score(
                f"picture{picture}", run.loss, {"psnr": 20.0 + picture - number + run.seed, "ssim": 0.5 + 0.1 * picture}
            )
            for picture in range(4)
        ]
        found.append(RunResult(run, Path(), validation, 1.0, ScoreTable(grid.metrics, tuple(rows), "RGB")))
    return found


@pytest.fixture
def grid(grid: Grid) -> Grid:
    from dataclasses import replace

    return replace(grid, seeds=(0, 1))


def test_validation_chooses_and_seeds_are_averaged(grid: Grid, results: list[RunResult]) -> None:
    (part,) = compare_parts(grid, results)
    assert part.chosen == {"L1": (1e-3, None), "Sum": (1e-3, 10.0)}
    chosen = [r for r in results if r.run.weight == 10.0]
    expected = np.mean([r.scores.column("Sum", "psnr") for r in chosen], axis=0)
    np.testing.assert_allclose(part.scores.column("Sum", "psnr"), expected)
    assert [r.run.seed for r in part.of("Sum")] == [0, 1]


def test_a_task_without_every_loss_is_left_out(grid: Grid, results: list[RunResult]) -> None:
    assert compare_parts(grid, [r for r in results if r.run.loss == "L1"]) == []


def test_parquet_and_csv_hold_everything(grid: Grid, results: list[RunResult], tmp_path: Path) -> None:
    parts = compare_parts(grid, results)
    save_tables(grid, results, parts, tmp_path)
    for name, count in (("scores", 4 * len(grid.runs)), ("summary", 2 * 2), ("tests", 2)):
        table = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert len(table) == count
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / f"{name}.csv"), table, check_dtype=False)
    tests = pd.read_parquet(tmp_path / "tests.parquet")
    assert {"p_better_paired", "p_better_paired_holm", "p_better_unpaired", "effect_size"} <= set(tests)
