"""The page of a comparison, its figures for print, and its tables."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from mdfloss.evaluation.plots import curve_plot, plane_plot, save_figure, violin_plot
from mdfloss.evaluation.summary import worst_first
from mdfloss.evaluation.verdict import compare_methods, verdict
from mdfloss.images import write_image
from mdfloss.networks import load_network
from mdfloss.report import Page, Plot, Scene, Section, write_page

from .grid import Grid
from .plan import Plan
from .results import Part, collect, compare_parts
from .run import grid_examples
from .tables import save_tables

__all__ = ["part_title", "write_comparison"]

ALPHA = 0.05
PERCEPTION = ("jod", "lpips", "haarpsi", "mdsi", "vsi", "gmsd", "ms_ssim", "ssim")
"""What the perception axis shows: the first of these that was measured."""


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
    sections = [_section(plan, part, output) for part in parts]
    missing = len(set(plan.runs) - {result.run for result in results})
    page = Page(
        f"Which loss? {', '.join(grid.losses)}",
        sections,
        f"{len(results)} trainings on {len(grid.tasks)} task{'s' * (len(grid.tasks) > 1)}, equal first weights and "
        f"patches for every loss{f'; {missing} runs are not done yet' if missing else ''}"
        f"{f'; {len(failed)} diverged and are left out' if failed else ''}.",
        commands,
        _facts(plan, sum(result.seconds for result in results)),
    )
    write_page(page, output / "report.html", force=True)
    return parts


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


def _section(plan: Plan, part: Part, output: Path) -> Section:
    grid, metric = plan.grid, plan.grid.metrics[0]
    plots = _plots(plan, part)
    stem = "-".join(map(str, (*part.setting, part.test)))
    for name, plot in plots.items():
        for suffix in (".svg", ".pdf"):
            save_figure(plot.figure, output / "figures" / f"{stem}-{name}{suffix}")
    names = worst_first(part.scores, method=grid.candidate, metric=metric)
    scenes = _scenes(grid, part, output)
    return Section(
        part_title(grid, part),
        part.scores,
        verdict(part.scores, candidate=grid.candidate, metric=metric, trainings=len(grid.seeds)),
        grid.candidate,
        metric,
        plots=list(plots.values()),
        scenes=[scenes[name] for name in names],
    )


def _plots(plan: Plan, part: Part) -> dict[str, Plot]:
    grid, plots = plan.grid, {}
    for metric in grid.metrics:
        findings = compare_methods(part.scores, candidate=grid.candidate, metric=metric)
        starred = [finding.rival for finding in findings if finding.p_better < ALPHA]
        caption = (
            "Magenta: mean with its 95 % interval; beside it the score that 5 % of pictures are worse than, with its "
            f"bootstrap interval. *: {grid.candidate} is significantly better (paired, one-tailed, Holm)."
        )
        plots[f"violins-{metric}"] = Plot(violin_plot(part.scores, metric=metric, starred=starred), caption)
    perception = next((name for name in PERCEPTION if name in grid.metrics and name != "psnr"), None)
    if perception and "psnr" in grid.metrics:
        figure = plane_plot(part.scores, distortion="psnr", perception=perception)
        plots["plane"] = Plot(figure, "Perception against distortion: better is left and down.")
    for column, label, log in (
        ("val_psnr", "validation PSNR [dB]", False),
        ("gradient_norm", "norm of the gradient", True),
    ):
        curves = {loss: _mean_curve(plan, part, loss, column) for loss in grid.losses}
        figure = curve_plot(curves, xlabel=_progress(part), ylabel=label, log=log)
        plots[column] = Plot(figure, f"{label[0].upper()}{label[1:]} during training, mean over seeds.")
    for loss, described in grid.losses.items():
        if described.weights:
            figure = curve_plot(
                _weight_curves(part, loss), xlabel="weight λ", ylabel="validation PSNR [dB]", log_x=True
            )
            plots[f"weight-{loss}"] = Plot(figure, f"{loss}: the weight is chosen on validation pictures.")
    return plots


def _progress(part: Part) -> str:
    return "training step" if part.setting.budget == "steps" else "training time [s]"


def _mean_curve(plan: Plan, part: Part, loss: str, column: str) -> tuple[list[float], list[float]]:
    runs = part.of(loss)
    curves = [result.curves() for result in runs]
    scale = 1.0 if part.setting.budget == "steps" else plan.speeds[runs[0].run.kind]
    steps = [scale * step for step in curves[0]["step"]]
    return steps, np.mean([curve[column] for curve in curves], axis=0).tolist()


def _weight_curves(part: Part, loss: str) -> dict[str, tuple[list[float], list[float]]]:
    """Learning rate → (weights, mean validation PSNR): the paper's Fig. 15."""
    found: dict[str, dict[float, list[float]]] = {}
    for result in part.results:
        if result.run.loss == loss and result.run.weight is not None and not result.failure:
            found.setdefault(f"lr {result.run.lr:g}", {}).setdefault(result.run.weight, []).append(result.val_psnr)
    return {
        rate: (sorted(values), [float(np.mean(values[weight])) for weight in sorted(values)])
        for rate, values in found.items()
    }


def _scenes(grid: Grid, part: Part, output: Path) -> dict[str, Scene]:
    """The pictures of a part, restored by the networks of the first seed."""
    firsts = {loss: part.of(loss)[0].folder for loss in grid.losses}
    restored = {loss: folder / "tests" / part.test / "restored" for loss, folder in firsts.items()}
    upscale = load_network(firsts[grid.candidate] / "last.safetensors").upscale
    scenes = {}
    for example in grid_examples(grid, part.setting.task, part.test, upscale=upscale):
        folder = output / "pictures" / part.setting.task / part.test / f"x{upscale}"
        files = {label: folder / label / f"{example.name}.png" for label in ("clean", "distorted")}
        for label, image in (("clean", example.clean), ("distorted", example.distorted)):
            if not files[label].exists():
                write_image(files[label], image)
        seen = {"Reference": files["clean"], **({"Distorted": files["distorted"]} if upscale == 1 else {})}
        seen |= {loss: folder / f"{example.name}.png" for loss, folder in restored.items()}
        scenes[example.name] = Scene(example.name, seen)
    return scenes


def _facts(plan: Plan, seconds: float) -> dict[str, str]:
    grid, training = plan.grid, plan.grid.training
    rates = ", ".join(f"{rate:g}" for rate in training.lrs)
    lengths = " and ".join(map(str, training.steps))
    facts = {
        "Losses": "; ".join(f"{name}: {loss.expression}" for name, loss in grid.losses.items()),
        "Networks": "; ".join(f"{name}: {n.name} {n.arguments or ''}" for name, n in grid.networks.items()),
        "Training": f"{lengths} steps of {training.batch_size} patches of {training.patch_size} px, "
        f"{training.optimizer}",
        "A step takes": "; ".join(
            f"{' · '.join(kind)} {1000 * speed:.0f} ms" for kind, speed in sorted(plan.speeds.items())
        ),
        "Learning rates": f"{rates}; every loss tries the same, and the best on validation is compared",
        "Seeds": ", ".join(map(str, grid.seeds)),
        "Computing": f"{seconds / 60:.1f} minutes of training",
        **{name: version(name) for name in ("mdfloss", "torch")},
        "Python": platform.python_version(),
    }
    first = next(iter(grid.losses))
    if "time" in training.budgets:
        facts["Equal time"] = f"as many steps as fit into the time that {first} needs for its steps, as measured once"
    return facts
