"""The grid: its runs, its file, and what it refuses."""

import dataclasses

import pytest

from mdfloss.compare import Grid, GridLoss, GridTask, Run
from mdfloss.compare.grid import Training

NOISE = {"class_path": "GaussianNoise", "init_args": {"sigma": 25}}


def make_grid(**changes: object) -> Grid:
    fields = {
        "tasks": {"denoise": GridTask(NOISE, bank="bank.safetensors")},
        "losses": {
            "L1": GridLoss("l1"),
            "MSE+MDF": GridLoss("mse+{weight}*mdf:{bank}", weights=(0.001, 1000.0)),
        },
        "training": Training("train", "val", lrs=(1e-3, 1e-4)),
        "test_dir": "test",
        "seeds": (3, 4),
    }
    return Grid(**{**fields, **changes})


def test_runs_are_every_combination_once() -> None:
    grid = make_grid()
    assert len(grid.runs) == len(set(grid.runs)) == 2 * 2 + 2 * 2 * 2
    assert len({run.path for run in grid.runs}) == len(grid.runs)
    assert Run("denoise", "DnCNN", "MSE+MDF", 1e-4, 1000.0, 4) in grid.runs
    assert grid.candidate == "MSE+MDF"


def test_runs_of_a_seed_differ_in_the_loss_alone() -> None:
    grid = make_grid(training=Training("train", "val"))
    configs = [grid.train_config(run) for run in grid.runs if run.seed == 3]
    assert [config.loss for config in configs] == [
        "l1",
        "mse+0.001*mdf:bank.safetensors",
        "mse+1000*mdf:bank.safetensors",
    ]
    assert len({str(dataclasses.replace(config, loss="l1")) for config in configs}) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": {}}, "losses must name at least one"),
        ({"losses": {"../x": GridLoss("l1")}}, "losses: '../x' names a folder too"),
        ({"seeds": ()}, "seeds must name at least one"),
        ({"candidate": "SSIM"}, "candidate must be one of L1, MSE.MDF, got 'SSIM'"),
        ({"metrics": ("snr",)}, "metrics must be among"),
        ({"tasks": {"denoise": GridTask(NOISE)}}, r"task 'denoise' has no bank, but a loss contains \{bank\}"),
    ],
)
def test_grid_refuses(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_grid(**changes)
