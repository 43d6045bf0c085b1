"""The search for λ beyond the weights of the grid: Optuna proposes, runs answer with their validation PSNR.

Nothing is kept but the runs themselves: a search that is begun again proposes the same values, finds their runs done,
and goes on from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .grid import Grid
from .plan import Plan, Run
from .run import is_done, read_result

__all__ = ["search_weights", "searched_runs"]


def search_weights(plan: Plan, output: Path, *, do: Callable[[Sequence[Run]], None]) -> None:
    """Search λ for every loss that has `trials`, for each task, network, number of steps and learning rate by itself.

    Args:
        plan: The comparison, its own runs done.
        output: Its folder.
        do: Does runs, in this process or on a cluster.

    Raises:
        ModuleNotFoundError: A loss has trials and Optuna is not installed.
    """
    searched = [name for name, loss in plan.grid.losses.items() if loss.trials]
    for kind in sorted({run._replace(weight=None, seed=0) for run in plan.runs if run.loss in searched}):
        _search(plan.grid, kind, output, do)


def _search(grid: Grid, kind: Run, output: Path, do: Callable[[Sequence[Run]], None]) -> None:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('a search needs Optuna: pip install "mdfloss[ray]"') from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    loss = grid.losses[kind.loss]
    among = optuna.distributions.FloatDistribution(min(loss.weights), max(loss.weights), log=True)
    study: Any = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    for weight in loss.weights:
        value = _validation(_runs(grid, kind, weight), output)
        study.add_trial(
            optuna.trial.create_trial(params={"weight": weight}, distributions={"weight": among}, value=value)
        )
    for _ in range(loss.trials):
        trial = study.ask({"weight": among})
        runs = _runs(grid, kind, float(f"{trial.params['weight']:.3g}"))
        do([run for run in runs if not is_done(grid, run, output)])
        study.tell(trial, _validation(runs, output))


def _runs(grid: Grid, kind: Run, weight: float) -> list[Run]:
    return [kind._replace(weight=weight, seed=seed) for seed in grid.choosing_seeds]


def _validation(runs: Sequence[Run], output: Path) -> float:
    """Mean validation PSNR of runs that are done; nothing is worse than one that diverged."""
    results = [read_result(output / run.path) or {} for run in runs]
    return float(sum(result.get("val_psnr", -1e3) for result in results) / len(results))


def searched_runs(plan: Plan, output: Path) -> Iterator[Run]:
    """The done runs that a search added to those of the grid.

    Args:
        plan: The comparison.
        output: Its folder.

    Yields:
        Runs of losses with trials, whose λ is none of the grid's.
    """
    planned = set(plan.combinations)
    for name, loss in plan.grid.losses.items():
        if loss.trials:
            for file in sorted((output / "runs").glob(f"*/*/{name}/*/*/result.json")):
                fields = json.loads(file.read_text("utf-8"))
                run = Run(**{field: fields[field] for field in Run._fields})
                if run.weight not in loss.weights and run._replace(weight=loss.weights[0]) in planned:
                    yield run
