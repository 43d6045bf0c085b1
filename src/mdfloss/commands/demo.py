"""`mdfloss demo`."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from mdfloss.demo import DemoConfig, Stage, plan_demo, run_demo
from mdfloss.evaluation.plots import check_plots
from mdfloss.fitting import FitProgress

from .durations import format_duration
from .score_table import score_table

__all__ = ["demo"]


def demo(
    *,
    output: Path = Path("demo"),
    steps: int = DemoConfig.steps,
    fit_iterations: int = DemoConfig.fit_iterations,
    seed: int = 0,
    resume: bool = False,
    force: bool = False,
) -> None:
    """Fit a loss, train a denoiser with it and with L1 and L2, and show which restores better.

    Args:
        output: Folder for everything that is made; the page is its report.html.
        steps: Training steps, the same for every loss.
        fit_iterations: Iterations of each scale of the fit.
        seed: Decides everything random.
        resume: Go on with a demo that was stopped.
        force: Begin anew where a demo was; a folder that no demo made is never touched.
    """
    check_plots()
    config = DemoConfig(steps=steps, fit_iterations=fit_iterations, seed=seed)
    console = Console(highlight=False)
    plan = plan_demo(config)
    console.print(_plan_table(plan))
    shown = _Shown(console, plan)
    try:
        result = run_demo(
            output,
            config,
            resume=resume,
            force=force,
            progress=console.is_terminal,
            on_stage=shown.begin,
            on_fit=shown.fit,
        )
    finally:
        shown.bar.stop()
    minutes = (time.monotonic() - shown.started) / 60
    console.print(score_table(result.scores, title="removing noise"))
    console.print(f"done in {minutes:.1f} minutes")
    console.print(f"page: {result.page}", markup=False, soft_wrap=True)


def _plan_table(plan: tuple[Stage, ...]) -> Table:
    table = Table(title="The plan, timed on this machine", title_justify="left")
    table.add_column("stage")
    table.add_column("expected", justify="right")
    for stage in plan:
        table.add_row(stage.name, format_duration(stage.seconds))
    table.add_section()
    table.add_row("all", format_duration(sum(stage.seconds for stage in plan)), style="bold")
    return table


class _Shown:
    """Announces each stage with the time left, and shows the fit's bar; the trainings show their own."""

    def __init__(self, console: Console, plan: tuple[Stage, ...]) -> None:
        self.console = console
        self.plan = plan
        self.started = time.monotonic()
        self.bar = Progress(TextColumn("fit"), BarColumn(), TextColumn("{task.description}"), console=console)
        self._task = self.bar.add_task("", total=1.0)

    def begin(self, index: int) -> None:
        """Say what begins, and how long the rest may take."""
        left = sum(stage.seconds for stage in self.plan[index:])
        done = format_duration(time.monotonic() - self.started)
        self.bar.stop()
        self.console.print(
            f"{index + 1}/{len(self.plan)}  {self.plan[index].name}  ({done} gone, about {format_duration(left)} left)"
        )

    def fit(self, state: FitProgress) -> None:
        """Move the fit's bar."""
        if self.console.is_terminal:
            self.bar.start()
        whole = self.plan[1].seconds
        part = max(0.0, 1 - state.seconds_left / max(whole, state.seconds_left, 1e-9))
        text = f"scale {state.scale_index}, iteration {state.iteration}, {format_duration(state.seconds_left)} left"
        self.bar.update(self._task, completed=part, description=text)
