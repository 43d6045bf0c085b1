"""`mdfloss compare`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mdfloss.compare import Grid, Run, load_grid, write_comparison
from mdfloss.compare.drive import expected_seconds, run_in_process, run_on_ray, todo
from mdfloss.compare.search import search_weights
from mdfloss.evaluation.verdict import verdict

from .score_table import score_table

__all__ = ["compare"]


def compare(
    grid: Path,
    *,
    output: Path,
    ray: str | None = None,
    gpus_a_run: float | None = None,
    cpus_a_run: float = 1,
    plan: bool = False,
) -> None:
    """Train every combination of a grid, and show which loss restores best.

    Runs that are done are never done again, and half-done ones go on where they stopped: give the same command.

    Args:
        grid: YAML file: tasks, losses, networks, learning rates, weights and seeds.
        output: Folder of the comparison; the page is its report.html.
        ray: Address of a Ray cluster, "auto" or "local"; by default the runs are done in this process.
        gpus_a_run: GPUs of each run on Ray; one where there are any.
        cpus_a_run: CPU cores of each run on Ray.
        plan: Only show what would be done.
    """
    console = Console(highlight=False)
    described = load_grid(grid)
    runs = todo(described, output)
    expected = expected_seconds(described, runs)
    console.print(_plan_table(described, expected))
    if plan:
        return
    shown = _Shown(console, expected)

    def do(wanted: Sequence[Run]) -> None:
        if ray is None:
            run_in_process(described, wanted, output, on_done=shown.done)
        else:
            run_on_ray(
                described,
                wanted,
                output,
                address=ray,
                on_done=shown.done,
                gpus_a_run=gpus_a_run,
                cpus_a_run=cpus_a_run,
            )

    do(runs)
    search_weights(described, output, do=do)
    command = shlex.join(["mdfloss", *sys.argv[1:]])
    for part in write_comparison(described, output, commands=[command]):
        console.print(score_table(part.scores, title=f"{part.task}, {part.network}"))
        metric = described.metrics[0]
        answer = verdict(part.scores, candidate=described.candidate, metric=metric, trainings=len(described.seeds))
        console.print(answer.headline, markup=False)
    console.print(f"page: {output / 'report.html'}", markup=False, soft_wrap=True)


def _plan_table(grid: Grid, expected: dict[Run, float]) -> Table:
    done = len(grid.runs) - len(expected)
    table = Table(title=f"{len(grid.runs)} runs, {done} of them done", title_justify="left")
    for heading in ("task", "network", "loss", "runs to do", "training each, about"):
        table.add_column(heading)
    kinds: dict[tuple[str, str, str], list[float]] = {}
    for run, seconds in expected.items():
        kinds.setdefault((run.task, run.network, run.loss), []).append(seconds)
    for kind, times in kinds.items():
        table.add_row(*kind, str(len(times)), _clock(times[0]))
    table.caption = f"about {_clock(sum(expected.values()))} of training, one after another on this machine"
    return table


class _Shown:
    """Says which run is done, and how long the rest may take by the speed so far."""

    def __init__(self, console: Console, expected: dict[Run, float]) -> None:
        self.console = console
        self.left = dict(expected)
        self.started = time.monotonic()
        self.finished = 0.0

    def done(self, run: Run) -> None:
        """Announce a run."""
        self.finished += self.left.pop(run, 0.0)
        gone = time.monotonic() - self.started
        left = sum(self.left.values()) * gone / max(self.finished, 1e-9)
        self.console.print(
            f"{run.task} · {run.network} · {run.loss} · lr {run.lr:g}"
            f"{'' if run.weight is None else f' · weight {run.weight:g}'} · seed {run.seed}: done  "
            f"({_clock(gone)} gone, about {_clock(left)} left, {len(self.left)} runs)",
            markup=False,
        )


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return (
        f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}" if whole >= 3600 else f"{whole // 60}:{whole % 60:02}"
    )
