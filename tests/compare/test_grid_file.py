"""The YAML file of a comparison: what it gives, and what it refuses."""

from pathlib import Path

import pytest

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
