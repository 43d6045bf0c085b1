"""Doing the runs: what is left to do, and that a Ray cluster of two workers finds the same."""

import json
import os
import signal
import threading
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from mdfloss.compare import Plan, Run, make_plan, run_one
from mdfloss.compare.execution import do_runs, in_process, measure_speeds, on_ray, todo, train_together
from mdfloss.networks import load_network


def test_done_runs_are_not_to_do(plan: Plan, tmp_path: Path) -> None:
    assert todo(plan.grid, plan.runs, tmp_path / "out") == plan.runs
    run_one(plan.grid, plan.runs[1], tmp_path / "out")
    assert todo(plan.grid, plan.runs, tmp_path / "out") == (plan.runs[0], plan.runs[2])


def test_speeds_are_measured_for_every_kind(plan: Plan) -> None:
    kinds = tuple(dict.fromkeys(run.kind for run in plan.runs))
    speeds = measure_speeds(plan.grid, kinds)
    assert tuple(speeds) == kinds
    assert min(speeds.values()) > 0


def test_in_process_gives_each_item_with_its_result() -> None:
    assert list(in_process(str, [1, 2])) == [(1, "1"), (2, "2")]


def kill_first_worker(killed: list[int]) -> None:
    """Kill the first Ray worker that is seen in the middle of a run."""
    deadline = time.monotonic() + 120
    while not killed and time.monotonic() < deadline:
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if entry.read_bytes().startswith(b"ray::_apply"):
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
def test_ray_finds_the_same_as_this_process_though_a_worker_is_killed(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15 by default: on a busy machine its workers would starve
    done: list[Run] = []
    do_runs(plan.grid, plan.runs, tmp_path / "here", on_done=done.append)
    assert done == list(plan.runs)
    done.clear()
    killed: list[int] = []
    killer = threading.Thread(target=kill_first_worker, args=(killed,))
    ray.init(num_cpus=2, include_dashboard=False)
    with on_ray("local") as workers:
        measure = partial(measure_speeds, workers=workers)
        assert set(make_plan(plan.grid, tmp_path / "there", measure=measure).speeds) == {r.kind for r in plan.runs}
        killer.start()
        do_runs(plan.grid, plan.runs, tmp_path / "there", workers=workers, on_done=done.append)
        killer.join()
    assert len(killed) == 1
    assert sorted(done) == sorted(plan.runs)
    for run in plan.runs:
        here, there = (tmp_path / side / run.path for side in ("here", "there"))
        scores = Path("tests", "test", "scores.csv")
        assert (here / scores).read_bytes() == (there / scores).read_bytes()
        weights = [load_network(folder / "last.safetensors").state_dict() for folder in (here, there)]
        assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_runs_trained_abreast_are_the_runs(plan: Plan, tmp_path: Path) -> None:
    spent = train_together(plan.grid, plan.runs, tmp_path / "abreast", count=2)
    assert set(spent) == set(plan.runs)
    assert min(spent.values()) > 0
    do_runs(plan.grid, plan.runs, tmp_path / "abreast", spent=spent, on_done=lambda run: None)
    for run in plan.runs:
        alone = run_one(plan.grid, run, tmp_path / "alone")
        found = tmp_path / "abreast" / run.path
        for name in ("curves.csv", "tests/test/scores.csv"):
            assert (found / name).read_text() == (alone / name).read_text()
        assert json.loads((found / "result.json").read_text())["seconds"] > spent[run]
