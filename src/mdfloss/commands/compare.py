"""`mdfloss compare`."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mdfloss.compare import Plan, Run, load_grid, make_plan, write_comparison
from mdfloss.compare.execution import do_runs, in_process, measure_speeds, on_ray, todo, train_together
from mdfloss.compare.page import part_title, part_verdict
from mdfloss.compare.pictures import check_data
from mdfloss.compare.results import chosen_runs
from mdfloss.compare.search import search_weights
from mdfloss.compare.tables import check_tables
from mdfloss.evaluation.plots import check_plots

from .durations import format_duration
from .finding_table import finding_table
from .score_table import score_table

__all__ = ["compare"]


def compare(
    grid: Path,
    *,
    output: Path,
    ray: str | None = None,
    gpus_a_run: float | None = None,
    cpus_a_run: float = 1,
    abreast: int = 1,
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
        abreast: Train so many runs at a time on this machine's GPU, which short kernels alone would keep waiting.
        plan: Only show what would be done.
    """
    if abreast < 1:
        raise ValueError(f"abreast must be at least 1, got {abreast}")
    if abreast > 1 and ray is not None:
        raise ValueError("runs are trained abreast on this machine: give --abreast or --ray, not both")
    console = Console(highlight=False)
    described = load_grid(grid)
    check_plots()
    check_tables()
    check_data(described)
    cluster = nullcontext(in_process) if ray is None else on_ray(ray, gpus_a_run=gpus_a_run, cpus_a_run=cpus_a_run)
    with cluster as workers:
        measure = partial(measure_speeds, workers=workers)
        planned = make_plan(described, output, measure=measure, save=not plan)
        runs = todo(described, planned.runs, output)
        console.print(_plan_table(planned, runs) if runs else f"{len(planned.runs)} runs, all of them done")
        if plan:
            return

        def do(wanted: Sequence[Run]) -> None:
            spent = train_together(described, wanted, output, count=abreast) if abreast > 1 else {}
            shown = _Shown(console, planned, wanted)
            do_runs(described, wanted, output, workers=workers, spent=spent, on_done=shown.done)

        do(runs)
        search_weights(planned, output, do=do)
        while left := chosen_runs(planned, output):
            do(left)
    _answer(console, planned, output)


def _answer(console: Console, plan: Plan, output: Path) -> None:
    """Write tables, figures and page, and show what they say."""
    grid = plan.grid
    for part in write_comparison(plan, output, commands=[shlex.join(["mdfloss", *sys.argv[1:]])]):
        console.print(score_table(part.scores, title=part_title(grid, part)))
        console.print(finding_table(part.scores, candidate=grid.candidate))
        console.print(part_verdict(grid, part).headline, "\n", markup=False)
    console.print(f"page: {output / 'report.html'}", markup=False, soft_wrap=True)


def _plan_table(plan: Plan, runs: Sequence[Run]) -> Table:
    total = len(plan.runs)
    table = Table(title=f"{total} runs, {total - len(runs)} of them done", title_justify="left")
    for heading in ("task", "network", "loss", "steps", "runs to do", "training each, about"):
        table.add_column(heading)
    kinds: dict[tuple[str, ...], list[float]] = {}
    for run in runs:
        kinds.setdefault((*run.kind, str(run.steps)), []).append(plan.seconds(run))
    for kind, times in kinds.items():
        table.add_row(*kind, str(len(times)), format_duration(times[0]))
    table.caption = (
        f"about {format_duration(sum(map(plan.seconds, runs)))} of training, one after another on this machine"
    )
    if plan.later:
        later = sum(map(plan.seconds, plan.later))
        table.caption += (
            f", and up to {format_duration(later)} for the {len(plan.later)} runs of the seeds that wait for the choice"
        )
    return table


class _Shown:
    """Says which run is done, and how long the rest of them may take by the speed so far."""

    def __init__(self, console: Console, plan: Plan, runs: Sequence[Run]) -> None:
        self.console = console
        self.left = {run: plan.seconds(run) for run in runs}
        self.started = time.monotonic()
        self.finished = 0.0

    def done(self, run: Run) -> None:
        """Announce a run."""
        self.finished += self.left.pop(run, 0.0)
        gone = time.monotonic() - self.started
        left = sum(self.left.values()) * gone / max(self.finished, 1e-9)
        self.console.print(
            f"{run.task} · {run.network} · {run.loss} · {run.steps} steps · lr {run.lr:g}"
            f"{'' if run.weight is None else f' · weight {run.weight:g}'} · seed {run.seed}: done  "
            f"({format_duration(gone)} gone, about {format_duration(left)} left, {len(self.left)} runs)",
            markup=False,
        )
