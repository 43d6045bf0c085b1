"""The search for λ: it maximises, repeats itself, and does nothing twice."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mdfloss.compare import Grid, GridLoss, Plan, Run
from mdfloss.compare.run import _asked
from mdfloss.compare.search import search_weights, searched_runs

optuna = pytest.importorskip("optuna")


def pretend(grid: Grid, output: Path, asked: list[Run]) -> Callable[[Sequence[Run]], None]:
    """Runs by hand, whose validation PSNR is highest at λ = 3; those above 8 diverge."""

    def do(runs: Sequence[Run]) -> None:
        for run in runs:
            asked.append(run)
            (output / run.path).mkdir(parents=True)
            result = {**run._asdict(), "asked": _asked(grid, run)}
            result |= {"failure": "NaN"} if (run.weight or 0) > 8 else {"val_psnr": 30 - abs((run.weight or 0) - 3)}
            (output / run.path / "result.json").write_text(json.dumps(result))

    return do


@pytest.fixture
def grid(grid: Grid) -> Grid:
    losses = {"L1": GridLoss("l1"), "Sum": GridLoss("mse+{weight}*l1", weights=(0.1, 10.0), trials=12)}
    return replace(grid, losses=losses, seeds=(0, 1))


def test_search_adds_runs_of_every_seed_and_comes_near_the_best(plan: Plan, tmp_path: Path) -> None:
    asked: list[Run] = []
    do = pretend(plan.grid, tmp_path, asked)
    do(plan.runs)
    asked.clear()
    search_weights(plan, tmp_path, do=do)
    assert {run.loss for run in asked} == {"Sum"}
    assert len(asked) == 2 * 12
    assert all(0.1 <= run.weight <= 10 for run in asked)
    assert min(abs(run.weight - 3) for run in asked) < 1
    assert sorted(searched_runs(plan, tmp_path)) == sorted(asked)


def test_a_search_begun_again_finds_its_runs_done(plan: Plan, tmp_path: Path) -> None:
    asked: list[Run] = []
    do = pretend(plan.grid, tmp_path, asked)
    do(plan.runs)
    search_weights(plan, tmp_path, do=do)
    count = len(asked)
    search_weights(plan, tmp_path, do=do)
    assert len(asked) == count


def test_trials_need_two_weights() -> None:
    with pytest.raises(ValueError, match="trials need two weights to search between"):
        GridLoss("mse+{weight}*l1", weights=(1.0,), trials=3)
