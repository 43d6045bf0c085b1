"""Doing the runs: what is left to do, and that a Ray cluster of two workers finds the same."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
import torch

from mdfloss.compare import Grid, Run, run_one
from mdfloss.compare.drive import expected_seconds, run_in_process, run_on_ray, todo
from mdfloss.networks import load_network


def test_done_runs_are_not_to_do(grid: Grid, tmp_path: Path) -> None:
    assert todo(grid, tmp_path / "out") == grid.runs
    run_one(grid, grid.runs[1], tmp_path / "out")
    assert todo(grid, tmp_path / "out") == (grid.runs[0], grid.runs[2])
    expected = expected_seconds(grid, todo(grid, tmp_path / "out"))
    assert list(expected) == [grid.runs[0], grid.runs[2]]
    assert min(expected.values()) > 0


def kill_first_worker(killed: list[int]) -> None:
    """Kill the first Ray worker that is seen in the middle of a run."""
    deadline = time.monotonic() + 120
    while not killed and time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if entry.read_bytes().startswith(b"ray::run_one"):
                    os.kill(int(entry.parent.name), signal.SIGKILL)
                    killed.append(int(entry.parent.name))
                    return
            except OSError:
                continue
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds the workers in /proc")
def test_ray_finds_the_same_as_this_process_though_a_worker_is_killed(grid: Grid, tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    done: list[Run] = []
    run_in_process(grid, grid.runs, tmp_path / "here", on_done=done.append)
    assert done == list(grid.runs)
    done.clear()
    killed: list[int] = []
    killer = threading.Thread(target=kill_first_worker, args=(killed,))
    ray.init(num_cpus=2, include_dashboard=False)
    killer.start()
    run_on_ray(grid, grid.runs, tmp_path / "there", address="local", on_done=done.append)
    killer.join()
    assert len(killed) == 1
    assert sorted(done) == sorted(grid.runs)
    for run in grid.runs:
        here, there = (tmp_path / side / run.path for side in ("here", "there"))
        assert (here / "scores.csv").read_bytes() == (there / "scores.csv").read_bytes()
        weights = [load_network(folder / "last.safetensors").state_dict() for folder in (here, there)]
        assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())
