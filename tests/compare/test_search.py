"""The search for λ: it maximises, repeats itself, and does nothing twice."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mdfloss.compare import Grid, GridLoss, Run
from mdfloss.compare.search import search_weights, searched_runs

optuna = pytest.importorskip("optuna")


def pretend(output: Path, asked: list[Run]):
    """Runs by hand, whose validation PSNR is highest at λ = 3."""

    def do(runs) -> None:
        for run in runs:
            asked.append(run)
            (output / run.path).mkdir(parents=True)
            value = 30 - abs((run.weight or 0) - 3)
            (output / run.path / "result.json").write_text(json.dumps({**run._asdict(), "val_psnr": value}))

    return do


@pytest.fixture
def grid(grid: Grid) -> Grid:
    losses = {"L1": GridLoss("l1"), "Sum": GridLoss("mse+{weight}*l1", weights=(0.1, 10.0), trials=12)}
    return replace(grid, losses=losses, seeds=(0, 1))


def test_search_adds_runs_of_every_seed_and_comes_near_the_best(grid: Grid, tmp_path: Path) -> None:
    asked: list[Run] = []
    do = pretend(tmp_path, asked)
    do(grid.runs)
    asked.clear()
    search_weights(grid, tmp_path, do=do)
    assert {run.loss for run in asked} == {"Sum"}
    assert len(asked) == 2 * 12
    assert all(0.1 <= run.weight <= 10 for run in asked)
    assert min(abs(run.weight - 3) for run in asked) < 1
    assert sorted(searched_runs(grid, tmp_path)) == sorted(asked)


def test_a_search_begun_again_finds_its_runs_done(grid: Grid, tmp_path: Path) -> None:
    asked: list[Run] = []
    do = pretend(tmp_path, asked)
    do(grid.runs)
    search_weights(grid, tmp_path, do=do)
    count = len(asked)
    search_weights(grid, tmp_path, do=do)
    assert len(asked) == count


def test_trials_need_two_weights() -> None:
    with pytest.raises(ValueError, match="trials need two weights to search between"):
        GridLoss("mse+{weight}*l1", weights=(1.0,), trials=3)
