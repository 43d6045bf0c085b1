"""Results: the variant that is compared, means over seeds, and which runs meet at equal time."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mdfloss.compare import Grid, Plan
from mdfloss.compare.plan import Kind
from mdfloss.compare.results import RunResult, compare_parts

Pretend = Callable[[Plan], list[RunResult]]


@pytest.fixture
def grid(grid: Grid) -> Grid:
    return replace(grid, seeds=(0, 1))


def test_validation_chooses_and_seeds_are_averaged(plan: Plan, pretended: Pretend) -> None:
    results = pretended(plan)
    (part,) = compare_parts(plan, results)
    assert part.chosen == {"L1": (1e-3, None), "Sum": (1e-3, 10.0)}
    chosen = [r for r in results if r.run.weight == 10.0]
    expected = np.mean([r.scores["test"].column("Sum", "psnr") for r in chosen], axis=0)
    np.testing.assert_allclose(part.scores.column("Sum", "psnr"), expected)
    assert [r.run.seed for r in part.of("Sum")] == [0, 1]


def test_a_task_without_every_loss_is_left_out(plan: Plan, pretended: Pretend) -> None:
    assert compare_parts(plan, [r for r in pretended(plan) if r.run.loss == "L1"]) == []


def test_a_variant_that_failed_with_one_seed_is_not_chosen(plan: Plan, pretended: Pretend) -> None:
    def spoil(result: RunResult) -> RunResult:
        fails = result.run.weight == 10.0 and result.run.seed == 1
        return replace(result, failure="NaN", scores={}, val_psnr=float("-inf")) if fails else result

    (part,) = compare_parts(plan, list(map(spoil, pretended(plan))))
    assert part.chosen["Sum"] == (1e-3, 0.1)


def test_equal_time_compares_other_runs_of_the_slower_loss(grid: Grid, pretended: Pretend) -> None:
    training = replace(grid.training, steps=(10, 20), budgets=("steps", "time"))
    speeds = {Kind("denoise", "tiny", "L1"): 0.1, Kind("denoise", "tiny", "Sum"): 0.2}
    plan = Plan(replace(grid, training=training), speeds)
    parts = compare_parts(plan, pretended(plan))
    assert [(part.setting.length, part.setting.budget, dict(part.steps)) for part in parts] == [
        (10, "steps", {"L1": 10, "Sum": 10}),
        (10, "time", {"L1": 10, "Sum": 5}),
        (20, "steps", {"L1": 20, "Sum": 20}),
        (20, "time", {"L1": 20, "Sum": 10}),
    ]
    for part in parts:
        assert all(result.run.steps == part.steps[loss] for loss in part.steps for result in part.of(loss))
    assert [result.folder for result in parts[0].of("Sum")] == 2 * [Path()]


def test_the_first_seeds_choose_and_the_others_follow(grid: Grid, pretended: Pretend) -> None:
    plan = Plan(replace(grid, tuning_seeds=1), {})
    results = pretended(plan)
    assert {(r.run.loss, r.run.weight, r.run.seed) for r in results} == {
        ("L1", None, 0),
        ("L1", None, 1),
        ("Sum", 0.1, 0),
        ("Sum", 10.0, 0),
    }
    assert compare_parts(plan, results) == [], "the choice is not trained with the second seed yet"
    chosen = next(r for r in results if r.run.weight == 10.0)
    worse = replace(chosen, run=chosen.run._replace(seed=1), val_psnr=1.0)
    (part,) = compare_parts(plan, [*results, worse])
    assert part.chosen["Sum"] == (1e-3, 10.0), "the second seed has no say"
    assert [r.run.seed for r in part.of("Sum")] == [0, 1]


def test_later_runs_are_one_for_each_waiting_loss_and_seed(grid: Grid) -> None:
    plan = Plan(replace(grid, seeds=(0, 1, 2), tuning_seeds=1), {})
    assert [(run.loss, run.seed) for run in plan.later] == [("Sum", 1), ("Sum", 2)]
    assert Plan(replace(grid, seeds=(0, 1, 2)), {}).later == ()
