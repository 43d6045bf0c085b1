"""The figures of a part: which there are, and that curves at equal time run over time."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mdfloss.compare import Grid, Plan
from mdfloss.compare.figures import part_plots
from mdfloss.compare.plan import Kind
from mdfloss.compare.results import RunResult, compare_parts

SPEEDS = {Kind("denoise", "tiny", "L1"): 0.1, Kind("denoise", "tiny", "Sum"): 0.2}


@pytest.fixture
def curved(pretended: Callable[[Plan], list[RunResult]], tmp_path: Path) -> Callable[[Plan], list[RunResult]]:
    """Results with the curves of trainings."""

    def make(plan: Plan) -> list[RunResult]:
        found = []
        for index, result in enumerate(pretended(plan)):
            folder = tmp_path / str(index)
            folder.mkdir()
            with (folder / "curves.csv").open("w", newline="") as stream:
                csv.writer(stream).writerows(
                    [["step", "val_psnr", "gradient_norm"], [1, 20, 3], [result.run.steps, 22 + index, 2]]
                )
            found.append(replace(result, folder=folder))
        return found

    return make


def test_every_figure_of_the_paper_is_there(plan: Plan, curved: Callable[[Plan], list[RunResult]]) -> None:
    (part,) = compare_parts(plan, curved(plan))
    plots = part_plots(plan, part)
    assert list(plots) == ["violins-psnr", "plane", "val_psnr", "gradient_norm", "weight-Sum", "violins-ssim"]
    (axes,) = plots["weight-Sum"].figure.axes
    assert axes.lines[0].get_xydata().tolist() == [[0.1, 24.0], [10.0, 26.0]], "the chosen weight is the higher one"
    (axes,) = plots["val_psnr"].figure.axes
    assert axes.get_xlabel() == "training step"


def test_dead_units_are_drawn_where_there_are_some(plan: Plan, curved: Callable[[Plan], list[RunResult]]) -> None:
    results = curved(plan)
    for result in results:
        lines = (result.folder / "curves.csv").read_text().splitlines()
        rows = zip(lines, ("dead_relus", 0, 0.25), strict=True)
        (result.folder / "curves.csv").write_text("".join(f"{line},{share}\n" for line, share in rows))
    (part,) = compare_parts(plan, results)
    (axes,) = part_plots(plan, part)["dead_relus"].figure.axes
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0, 0.25]] * 2


def test_at_equal_time_curves_run_over_time(grid: Grid, curved: Callable[[Plan], list[RunResult]]) -> None:
    training = replace(grid.training, steps=(10,), budgets=("time",))
    plan = Plan(replace(grid, training=training), SPEEDS)
    (part,) = compare_parts(plan, curved(plan))
    (axes,) = part_plots(plan, part)["val_psnr"].figure.axes
    assert axes.get_xlabel() == "training time [s]"
    assert [line.get_xdata()[-1] for line in axes.lines] == pytest.approx([1.0, 1.0]), "10 and 5 steps take 1 s"
