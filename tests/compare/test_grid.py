"""The grid: what it takes, and what it refuses."""

from pathlib import Path

import pytest

from mdfloss.compare import Grid, GridLoss, GridTask, GridTest
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


def test_the_last_loss_is_the_candidate() -> None:
    assert make_grid().candidate == "MSE+MDF"
    assert make_grid(candidate="L1").candidate == "L1"


def test_a_task_without_tests_has_one() -> None:
    assert make_grid().tasks["denoise"].tests == {"test": GridTest()}


def test_one_length_or_budget_or_several() -> None:
    assert Training("a", "b", steps=500).steps == (500,)
    training = Training("a", "b", steps=[1000, 3000, 1000], budgets=["steps", "time"])
    assert (training.steps, training.budgets) == ((1000, 3000), ("steps", "time"))
    assert Training("a", "b", budgets="time").budgets == ("time",)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"losses": {}}, "losses must name at least one"),
        ({"losses": {"../x": GridLoss("l1")}}, "losses: '../x' names a folder too"),
        ({"seeds": ()}, "seeds must name at least one"),
        ({"tuning_seeds": 3}, r"tuning_seeds must be within 1\.\.2, got 3"),
        ({"candidate": "SSIM"}, "candidate must be one of L1, MSE.MDF, got 'SSIM'"),
        ({"metrics": ("snr",)}, "metrics must be among"),
        ({"tasks": {"denoise": GridTask(NOISE)}}, r"task 'denoise' has no bank, but a loss contains \{bank\}"),
        ({"tasks": {"d": GridTask(NOISE, tests={})}}, "tests of task 'd' must name at least one"),
        ({"tasks": {"d": GridTask(NOISE, tests={"a/b": GridTest()})}}, "tests of task 'd': 'a/b' names a folder too"),
    ],
)
def test_grid_refuses(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_grid(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be a whole number above 0, or several, got 0"),
        ({"steps": []}, "steps must be a whole number"),
        ({"steps": [10.5]}, "steps must be a whole number"),
        ({"budgets": ["energy"]}, "budgets must be among steps, time, got"),
        ({"lrs": []}, "lrs must name at least one"),
    ],
)
def test_training_refuses(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Training(str(Path("train")), "val", **changes)
