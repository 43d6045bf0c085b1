"""The runs of a grid: every combination once, steps at equal time, and speeds that are measured once."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdfloss.compare import Grid, GridLoss, Plan, Run, make_plan
from mdfloss.compare.plan import Kind, expression, train_config
from mdfloss.losses import build_loss


@pytest.fixture
def timed(grid: Grid) -> Grid:
    """Two lengths, each at equal steps and at equal time; L1 is the reference."""
    return dataclasses.replace(
        grid, training=dataclasses.replace(grid.training, steps=(10, 30), budgets=("steps", "time"), lrs=(1e-3, 1e-4))
    )


SPEEDS = {"L1": 0.1, "Sum": 0.3}


def measure(grid: Grid, kinds: Sequence[Kind]) -> Mapping[Kind, float]:
    return {kind: SPEEDS[kind.loss] for kind in kinds}


def test_runs_are_every_combination_once(grid: Grid) -> None:
    grid = dataclasses.replace(
        grid, seeds=(3, 4), training=dataclasses.replace(grid.training, steps=(5, 7), lrs=(1e-3, 1e-4))
    )
    runs = Plan(grid, {}).runs
    assert len(runs) == len(set(runs)) == 2 * (2 * 2 + 2 * 2 * 2)
    assert len({run.path for run in runs}) == len(runs)
    assert Run("denoise", "tiny", "Sum", 7, 1e-4, 10.0, 4) in runs


def test_runs_of_a_seed_differ_in_the_loss_alone(grid: Grid) -> None:
    configs = [train_config(grid, run) for run in Plan(grid, {}).runs]
    assert [config.loss for config in configs] == ["l1", "mse+0.1*l1", "mse+10*l1"]
    assert len({str(dataclasses.replace(config, loss="l1")) for config in configs}) == 1


def test_bank_and_definition_are_the_expression_s_own(grid: Grid) -> None:
    task = dataclasses.replace(grid.tasks["denoise"], bank="my.safetensors")
    losses = {"a": GridLoss("mdf:{bank}@paper"), "b": GridLoss("l1+0.5*mdf:other.safetensors@whitened")}
    grid = dataclasses.replace(grid, tasks={"denoise": task}, losses=losses, candidate="b")
    texts = [train_config(grid, run).loss for run in Plan(grid, {}).runs]
    assert texts == ["mdf:my.safetensors@paper", "l1+0.5*mdf:other.safetensors@whitened"]


def test_a_loss_can_be_read_with_every_weight(grid: Grid, pair: tuple[Tensor, Tensor]) -> None:
    weights = tuple(10.0**exponent for exponent in range(-7, 10))
    grid = dataclasses.replace(grid, losses={"Sum": GridLoss("mse+{weight}*l1", weights)}, candidate="Sum")
    mse, l1 = (build_loss(name)(*pair) for name in ("mse", "l1"))
    for run in Plan(grid, {}).runs:
        assert run.weight is not None
        assert torch.allclose(build_loss(expression(grid, run))(*pair), mse + run.weight * l1)


def test_equal_time_gives_the_slower_loss_fewer_steps(timed: Grid, tmp_path: Path) -> None:
    plan = make_plan(timed, tmp_path, measure=measure)
    assert [(s.length, s.budget, plan.steps(s, "L1"), plan.steps(s, "Sum")) for s in plan.settings] == [
        (10, "steps", 10, 10),
        (10, "time", 10, 3),
        (30, "steps", 30, 30),
        (30, "time", 30, 10),
    ]
    assert {run.steps for run in plan.runs if run.loss == "L1"} == {10, 30}
    assert {run.steps for run in plan.runs if run.loss == "Sum"} == {3, 10, 30}, "10 steps serve both budgets"
    assert len(plan.runs) == len(set(plan.runs))
    run = next(run for run in plan.runs if (run.loss, run.steps) == ("Sum", 10))
    assert plan.seconds(run) == pytest.approx(3)
    assert train_config(timed, run).steps == 10


def test_speeds_are_measured_once(timed: Grid, tmp_path: Path) -> None:
    first = make_plan(timed, tmp_path, measure=measure)

    def never(grid: Grid, kinds: Sequence[Kind]) -> Mapping[Kind, float]:
        raise AssertionError("measured again")

    assert make_plan(timed, tmp_path, measure=never) == first
    asked: list[Kind] = []

    def again(grid: Grid, kinds: Sequence[Kind]) -> Mapping[Kind, float]:
        asked.extend(kinds)
        return dict.fromkeys(kinds, 0.2)

    changed = dataclasses.replace(timed, losses={**timed.losses, "L1": GridLoss("charbonnier")})
    plan = make_plan(changed, tmp_path, measure=again)
    assert asked == [Kind("denoise", "tiny", "L1")], "another loss under the same name is measured anew"
    assert plan.speeds[asked[0]] == 0.2
    assert make_plan(changed, tmp_path, measure=never) == plan


def test_only_planning_writes_nothing(timed: Grid, tmp_path: Path) -> None:
    make_plan(timed, tmp_path / "out", measure=measure, save=False)
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_of_speeds_is_named(timed: Grid, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('[{"task": "denoise"}]')
    with pytest.raises(ValueError, match=r"plan.json is damaged .*remove it, and the speeds are measured anew"):
        make_plan(timed, tmp_path, measure=measure)
