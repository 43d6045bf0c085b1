"""Doing the runs: what is left to do, and that a Ray cluster of two workers finds the same."""

from pathlib import Path

import pytest

from mdfloss.compare import Grid, Run, run_one
from mdfloss.compare.drive import expected_seconds, run_in_process, run_on_ray, todo


def test_done_runs_are_not_to_do(grid: Grid, tmp_path: Path) -> None:
    assert todo(grid, tmp_path / "out") == grid.runs
    run_one(grid, grid.runs[1], tmp_path / "out")
    assert todo(grid, tmp_path / "out") == (grid.runs[0], grid.runs[2])
    expected = expected_seconds(grid, todo(grid, tmp_path / "out"))
    assert list(expected) == [grid.runs[0], grid.runs[2]]
    assert min(expected.values()) > 0


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_finds_the_same_as_this_process(grid: Grid, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    done: list[Run] = []
    run_in_process(grid, grid.runs, tmp_path / "here", on_done=done.append)
    assert done == list(grid.runs)
    done.clear()
    ray.init(num_cpus=2, include_dashboard=False)
    run_on_ray(grid, grid.runs, tmp_path / "there", address="local", on_done=done.append)
    assert sorted(done) == sorted(grid.runs)
    for run in grid.runs:
        here, there = (tmp_path / side / run.path for side in ("here", "there"))
        assert (here / "scores.csv").read_bytes() == (there / "scores.csv").read_bytes()
        assert (here / "last.safetensors").read_bytes() == (there / "last.safetensors").read_bytes()
