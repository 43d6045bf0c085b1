"""The YAML file of a comparison: what it gives, and what it refuses."""

import re
from pathlib import Path

import pytest
import yaml

from mdfloss.cli import main
from mdfloss.compare import Grid, Plan, load_grid
from mdfloss.compare.grid_file import grid_text

ROOT = Path(__file__).parents[2]


def test_file_round_trip(grid: Grid, tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(grid_text(grid))
    assert load_grid(path) == grid
    path.write_text(path.read_text().replace("- 0.001", "- 1e-3"))
    assert load_grid(path) == grid, "YAML reads 1e-3 as text"


def test_shipped_recipe_is_three_losses_two_tasks_two_seeds() -> None:
    grid = load_grid(ROOT / "recipes" / "compare_quick.yaml")
    assert (len(grid.losses), len(grid.tasks), len(grid.seeds), len(Plan(grid, {}).runs)) == (3, 2, 2, 12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "the file must be names with values, got .1."),
        ("{a: [", "is not YAML"),
        ("losse: {}", "the file has no losse: there are tasks, losses, training"),
        ("tasks: {}", "the file needs losses, training, test_dir"),
        ("training: {train_dir: a, val_dir: b, lrs: 1}", "lrs must be a list of numbers, got 1"),
        ("training: {val_dir: b}", "training needs train_dir"),
        ("losses: {a: {expression: l1, weight: 2}}", "losses.a has no weight: there are expression, weights"),
        ("tasks: {a: {distortion: {class_path: Jpeg}, tests: {b: {sigma: 1}}}}", "tasks.a.tests.b has no sigma"),
        ("tasks: {a: {distortion: {class_path: Jpeg}, tests: [1]}}", "tasks.a.tests must be names with values"),
        (
            "losses: {a: {expression: l1, weights: [1]}}",
            r"loss 'l1': give weights if and only if it contains \{weight\}",
        ),
    ],
)
def test_file_refuses(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_grid(path)


def changed(values: dict, change: dict) -> dict:
    """Values with some of them replaced, at any depth."""
    deeper = {
        name: changed(values.get(name) or {}, new) if isinstance(new, dict) else new for name, new in change.items()
    }
    return {**values, **deeper}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("training: {train_dir: }", "training.train_dir must be text, got nothing"),
        ("training: {train_dir: 5}", "training.train_dir must be text, got 5"),
        ("training: {train_dir: nowhere}", "training.train_dir: nowhere: no such file or folder"),
        ("training: {val_dir: empty}", "training.val_dir: empty holds no pictures"),
        ("training: {batch_size: '8'}", "training.batch_size must be a whole number, got '8'"),
        ("training: {batch_size: 0}", "training: batch_size must be at least 1, got 0"),
        ("training: {patch_size: 1.5}", "training.patch_size must be a whole number, got 1.5"),
        ("training: {val_every: 0}", "training: val_every must be at least 1, got 0"),
        ("training: {val_images: -1}", "training: val_images must be at least 1, got -1"),
        ("training: {val_size: 0}", "training: val_size must be at least 1, got 0"),
        ("training: {lrs: [0.1, nan]}", r"training: lrs must be finite numbers above 0, got \[0.1, nan\]"),
        ("training: {steps: 1e3}", "training.steps must be a whole number, or several, got '1e3'"),
        ("training: {budgets: energy}", "training.budgets must be one of steps, time, or several, got 'energy'"),
        ("training: {optimizer: 3}", "training.optimizer must be one of adam, sgd, got 3"),
        ("training: {accelerator: tpuu}", "training.accelerator must be one of auto, cpu, gpu, cuda, mps, got 'tpuu'"),
        ("test_dir: ", "test_dir must be text, got nothing"),
        ("max_test_images: x", "max_test_images must be a whole number, got 'x'"),
        ("max_test_images: 0", "max_test_images must be at least 1, got 0"),
        ("tasks: {denoise: {tests: {a: {images: 5}}}}", "tasks.denoise.tests.a.images must be text, got 5"),
        ("tasks: {denoise: {bank: 5}}", "tasks.denoise.bank must be text, got 5"),
        ("tasks: {denoise: {crop_border: x}}", "tasks.denoise.crop_border must be a whole number, got 'x'"),
        ("tasks: {denoise: {crop_border: -1}}", "tasks.denoise: crop_border must be 0 or more pixels, but is -1"),
        ("tasks: {denoise: {color_space: lab}}", "tasks.denoise.color_space must be one of rgb, y, got 'lab'"),
        (
            "tasks: {denoise: {distortion: GaussianNoise}}",
            "tasks.denoise.distortion must be names with values, got 'GaussianNoise': there are class_path, init_args",
        ),
        ("tasks: {denoise: {distortion: {class_path: 5}}}", "tasks.denoise.distortion.class_path must be text, got 5"),
        ("tasks: {denoise: {distortion: {sigma: 5}}}", "tasks.denoise.distortion has no sigma: there are class_path"),
        (
            "tasks: {denoise: {distortion: {init_args: {x: 5}}}}",
            "tasks.denoise: distortion GaussianNoise cannot be made: GaussianNoise takes no argument 'x'",
        ),
        (
            "tasks: {denoise: {tests: {a: {distortion: "
            "{class_path: OneOf, init_args: {distortions: [{class_path: 5}]}}}}}}",
            "tasks.denoise.tests.a: distortion OneOf cannot be made: 'int' object has no attribute",
        ),
        ("losses: {L1: {expression: [l1]}}", r"losses.L1.expression must be text, got \['l1'\]"),
        ("losses: {L1: {expression: 5}}", "losses.L1.expression must be text, got 5"),
        ("losses: {Sum: {weights: [x]}}", r"losses.Sum.weights must be a list of numbers, got \['x'\]"),
        ("losses: {Sum: {weights: [-1]}}", r"losses.Sum: weights must be finite numbers above 0, got \[-1.0\]"),
        ("losses: {Sum: {trials: -1}}", "losses.Sum: trials must be at least 0, got -1"),
        ("networks: {tiny: {arguments: [1]}}", r"networks.tiny.arguments must be names with values, got \[1\]"),
        ("seeds: 3", "seeds must be a list of whole numbers, got 3"),
        ("seeds: [a]", r"seeds must be a list of whole numbers, got \['a'\]"),
        ("seeds: [1.5]", r"seeds must be a list of whole numbers, got \[1.5\]"),
        ("seeds: [-1]", r"seeds must be at least 0, and each a different one, got \[-1\]"),
        ("seeds: [0, 0]", r"seeds must be at least 0, and each a different one, got \[0, 0\]"),
        ("tuning_seeds: x", "tuning_seeds must be a whole number, got 'x'"),
        ("candidate: [L1]", r"candidate must be text, got \['L1'\]"),
        ("metrics: psnr", "metrics must be a list of texts, got 'psnr'"),
    ],
)
def test_a_wrong_value_is_named_in_one_line(
    change: str,
    message: str,
    grid: Grid,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    path = Path("grid.yaml")
    path.write_text(yaml.safe_dump(changed(yaml.safe_load(grid_text(grid)), yaml.safe_load(change))))
    assert main(["compare", str(path), "-o", "out", "--plan"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert re.match(f"error: (grid.yaml: )?{message}", line)


@pytest.mark.parametrize("path", sorted((ROOT / "recipes").glob("[cq]*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_comparison_can_be_read(path: Path) -> None:
    assert load_grid(path).candidate
