"""The page of a comparison, its figures for print, and its tables."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.plots import save_figure
from mdfloss.evaluation.summary import worst_first
from mdfloss.evaluation.verdict import Verdict, verdict
from mdfloss.networks import load_network
from mdfloss.report import Page, Scene, Section, write_page

from .figures import part_plots
from .grid import Grid
from .grid_file import grid_text
from .pictures import Pictures, write_pictures
from .plan import Plan
from .results import Part, collect, compare_parts
from .tables import save_tables

__all__ = ["part_title", "part_verdict", "write_comparison"]

NAMED = 6
"""Most losses that the page's title names."""


def write_comparison(plan: Plan, output: Path, *, commands: Sequence[str] = ()) -> list[Part]:
    """Write tables, figures and page of the runs that are done.

    Args:
        plan: The comparison.
        output: Its folder; `report.html`, `tables/` and `figures/` are replaced.
        commands: The exact commands, for the page.

    Returns:
        What was compared: a part for each setting and test.

    Raises:
        ValueError: No setting has a done run of every loss.
    """
    grid, results = plan.grid, collect(plan, output)
    parts = compare_parts(plan, results)
    failed = [result for result in results if result.failure]
    if not parts:
        seen = f"; {failed[0].run.path} failed: {failed[0].failure}" if failed else ": run the grid first"
        raise ValueError(f"{output} has no task with a finished run of every loss{seen}")
    save_tables(grid, results, parts, output / "tables")
    missing = len(set(plan.runs) - {result.run for result in results})
    page = Page(
        f"Which loss? {_named(grid)}",
        [_section(plan, part, output) for part in parts],
        f"{len(results)} trainings on {len(grid.tasks)} task{'s' * (len(grid.tasks) > 1)}, equal first weights and "
        f"patches for every loss{f'; {missing} runs are not done yet' if missing else ''}"
        f"{f'; {len(failed)} diverged and are left out' if failed else ''}.",
        commands,
        _facts(plan, sum(result.seconds for result in results)),
        texts={"The comparison's file": grid_text(grid)},
    )
    write_page(page, output / "report.html", force=True)
    return parts


def _named(grid: Grid) -> str:
    """The losses as a heading has room for them."""
    names = list(grid.losses)
    return ", ".join(names) if len(names) <= NAMED else f"{grid.candidate} and {len(names) - 1} others"


def part_title(grid: Grid, part: Part) -> str:
    """What tells a part from the others, in words.

    Args:
        grid: The comparison.
        part: One of its parts.
    """
    task, network, length, budget = part.setting
    training = grid.training
    pieces = {
        task: True,
        part.test: len(grid.tasks[task].tests) > 1,
        network: len(grid.networks) > 1,
        f"{length} steps": len(training.steps) > 1,
        f"equal {budget}": training.budgets != ("steps",),
    }
    return " · ".join(text for text, shown in pieces.items() if shown)


def part_verdict(grid: Grid, part: Part) -> Verdict:
    """The answer for a part.

    Args:
        grid: The comparison.
        part: One of its parts.
    """
    return verdict(part.scores, candidate=grid.candidate, metric=grid.metrics[0], trainings=part.trainings)


def _section(plan: Plan, part: Part, output: Path) -> Section:
    grid, metric = plan.grid, plan.grid.metrics[0]
    plots = part_plots(plan, part)
    stem = "-".join(map(str, (*part.setting, part.test)))
    for name, plot in plots.items():
        for suffix in (".svg", ".pdf"):
            save_figure(plot.figure, output / "figures" / f"{stem}-{name}{suffix}")
    network = load_network(part.of(grid.candidate)[0].folder / "last.safetensors")
    upscale, channels = network.upscale, network.in_channels
    folder = output / "pictures" / part.setting.task / part.test / f"x{upscale}{'' if channels == 3 else '-gray'}"
    pictures = write_pictures(grid, part.setting.task, part.test, upscale=upscale, channels=channels, folder=folder)
    names = worst_first(part.scores, method=grid.candidate, metric=metric)
    return Section(
        part_title(grid, part),
        part.scores,
        part_verdict(grid, part),
        grid.candidate,
        metric,
        plots=list(plots.values()),
        scenes=[_scene(grid, part, pictures, name) for name in names],
        unrestored=pictures.scores,
        note=" ".join(filter(None, (_gain(part, pictures, metric), _trained(plan, part)))),
    )


def _scene(grid: Grid, part: Part, pictures: Pictures, name: str) -> Scene:
    """A picture, restored by the networks of the first seed."""
    tested = {loss: part.of(loss)[0].folder / "tests" / part.test / "restored" for loss in grid.losses}
    restored = {loss: folder / f"{name}.png" for loss, folder in tested.items()}
    return Scene(name, {"Reference": pictures.clean[name], pictures.label: pictures.distorted[name], **restored})


def _gain(part: Part, pictures: Pictures, metric: str) -> str:
    """What the trainings gained at all: losses that gained little were hardly compared."""
    described, before = METRICS[metric], pictures.scores.column(pictures.label, metric)
    spoiled = np.isfinite(before)  # a distortion may leave a picture as it was, whose PSNR is infinite
    if not spoiled.any():
        return ""
    means = [part.scores.column(method, metric)[spoiled].mean() for method in part.scores.methods]
    after = max(means) if described.higher_is_better else min(means)
    shown = [f"{value:.{described.digits}f}" for value in (before[spoiled].mean(), after)]
    return f"Before restoration: {shown[0]} {described.unit}".rstrip() + f"; the best after it: {shown[1]}."


def _trained(plan: Plan, part: Part) -> str:
    """What each loss was trained with, where they differ."""
    choices = len(plan.grid.training.lrs) > 1
    pieces = []
    for loss, (lr, weight) in part.chosen.items():
        chosen = [f"{part.steps[loss]} steps"] if part.setting.budget == "time" else []
        chosen += [f"learning rate {lr:g}"] if choices else []
        chosen += [f"λ = {weight:g}"] if weight is not None else []
        pieces += [f"{loss}: {', '.join(chosen)}"] if chosen else []
    return f"Trained with – {'; '.join(pieces)}." if pieces else ""


def _facts(plan: Plan, seconds: float) -> dict[str, str]:
    grid, training = plan.grid, plan.grid.training
    rates = ", ".join(f"{rate:g}" for rate in training.lrs)
    choice = f"; rates and weights are chosen with the first {grid.tuning_seeds}" if grid.tuning_seeds else ""
    speeds = [f"{' · '.join(kind)} {1000 * speed:.0f} ms" for kind, speed in plan.speeds.items()]
    facts = {
        "Losses": "; ".join(f"{name}: {loss.expression}" for name, loss in grid.losses.items()),
        "Networks": "; ".join(f"{name}: {n.name} {n.arguments or ''}" for name, n in grid.networks.items()),
        "Training": f"{' and '.join(map(str, training.steps))} steps of {training.batch_size} patches of "
        f"{training.patch_size} px, {training.optimizer}",
        "Learning rates": f"{rates}; every loss tries the same, and the best on validation is compared"
        if len(training.lrs) > 1
        else f"{rates}, the same for every loss",
        "Time of a step": "; ".join(speeds) or "not measured",
        "Seeds": ", ".join(map(str, grid.seeds)) + choice,
        "Computing": f"{seconds / 60:.1f} minutes of training",
        **{name: version(name) for name in ("mdfloss", "torch", "numpy", "scipy")},
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    if "time" in training.budgets:
        first = next(iter(grid.losses))
        facts["Equal time"] = f"as many steps as fit into the time that {first} needs for its own, as measured once"
    return facts
