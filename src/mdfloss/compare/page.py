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
from .results import Part, collect, compare_parts, save_tables
from .run import grid_examples

__all__ = ["write_comparison"]

ALPHA = 0.05
PERCEPTION = ("jod", "lpips", "haarpsi", "mdsi", "vsi", "gmsd", "ms_ssim", "ssim")
"""What the perception axis shows: the first of these that was measured."""


def write_comparison(grid: Grid, output: Path, *, commands: Sequence[str] = ()) -> list[Part]:
    """Write tables, figures and page of the runs that are done.

    Args:
        grid: The comparison.
        output: Its folder; `report.html`, `tables/` and `figures/` are replaced.
        commands: The exact commands, for the page.

    Returns:
        What was compared: a part for each task and network.

    Raises:
        ValueError: No task and network has a done run of every loss.
    """
    results = collect(grid, output)
    parts = compare_parts(grid, results)
    if not parts:
        raise ValueError(f"{output} has no task with a finished run of every loss: run the grid first")
    save_tables(grid, results, parts, output / "tables")
    sections = [_section(grid, part, output) for part in parts]
    missing = len(grid.runs) - len(results)
    page = Page(
        f"Which loss? {', '.join(grid.losses)}",
        sections,
        f"{len(results)} trainings on {len(parts)} task{'s' * (len(parts) > 1)}, equal first weights and patches for "
        f"every loss{f'; {missing} runs are not done yet' if missing else ''}.",
        commands,
        _facts(grid, sum(result.seconds for result in results)),
    )
    write_page(page, output / "report.html", force=True)
    return parts


def _section(grid: Grid, part: Part, output: Path) -> Section:
    title = part.task if len(grid.networks) == 1 else f"{part.task}, {part.network}"
    plots = _plots(grid, part)
    for name, plot in plots.items():
        for suffix in (".svg", ".pdf"):
            save_figure(plot.figure, output / "figures" / f"{part.task}-{part.network}-{name}{suffix}")
    metric = grid.metrics[0]
    names = worst_first(part.scores, method=grid.candidate, metric=metric)
    scenes = _scenes(grid, part, output)
    return Section(
        title,
        part.scores,
        verdict(part.scores, candidate=grid.candidate, metric=metric, trainings=len(grid.seeds)),
        grid.candidate,
        metric,
        plots=list(plots.values()),
        scenes=[scenes[name] for name in names],
    )


def _plots(grid: Grid, part: Part) -> dict[str, Plot]:
    plots = {}
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
        curves = {loss: _mean_curve(part, loss, column) for loss in grid.losses}
        figure = curve_plot(curves, xlabel="training step", ylabel=label, log=log)
        plots[column] = Plot(figure, f"{label[0].upper()}{label[1:]} during training, mean over seeds.")
    for loss, described in grid.losses.items():
        if described.weights:
            figure = curve_plot(
                _weight_curves(part, loss), xlabel="weight λ", ylabel="validation PSNR [dB]", log_x=True
            )
            plots[f"weight-{loss}"] = Plot(figure, f"{loss}: the weight is chosen on validation pictures.")
    return plots


def _mean_curve(part: Part, loss: str, column: str) -> tuple[list[float], list[float]]:
    curves = [result.curves() for result in part.of(loss)]
    return curves[0]["step"], np.mean([curve[column] for curve in curves], axis=0).tolist()


def _weight_curves(part: Part, loss: str) -> dict[str, tuple[list[float], list[float]]]:
    """Learning rate → (weights, mean validation PSNR): the paper's Fig. 15."""
    found: dict[str, dict[float, list[float]]] = {}
    for result in part.results:
        if result.run.loss == loss and result.run.weight is not None:
            found.setdefault(f"lr {result.run.lr:g}", {}).setdefault(result.run.weight, []).append(result.val_psnr)
    return {
        rate: (sorted(values), [float(np.mean(values[weight])) for weight in sorted(values)])
        for rate, values in found.items()
    }


def _scenes(grid: Grid, part: Part, output: Path) -> dict[str, Scene]:
    """The pictures of a part, restored by the networks of the first seed."""
    firsts = {loss: part.of(loss)[0].folder for loss in grid.losses}
    upscale = load_network(firsts[grid.candidate] / "last.safetensors").upscale
    scenes = {}
    for example in grid_examples(grid, part.task, upscale=upscale):
        folder = output / "pictures" / part.task / f"x{upscale}"
        files = {label: folder / label / f"{example.name}.png" for label in ("clean", "distorted")}
        for label, image in (("clean", example.clean), ("distorted", example.distorted)):
            if not files[label].exists():
                write_image(files[label], image)
        restored = {loss: run / "restored" / f"{example.name}.png" for loss, run in firsts.items()}
        shown = {"Reference": files["clean"], **({"Distorted": files["distorted"]} if upscale == 1 else {}), **restored}
        scenes[example.name] = Scene(example.name, shown)
    return scenes


def _facts(grid: Grid, seconds: float) -> dict[str, str]:
    training = grid.training
    rates = ", ".join(f"{rate:g}" for rate in training.lrs)
    return {
        "Losses": "; ".join(f"{name}: {loss.expression}" for name, loss in grid.losses.items()),
        "Networks": "; ".join(f"{name}: {n.name} {n.arguments or ''}" for name, n in grid.networks.items()),
        "Training": f"{training.steps} steps of {training.batch_size} patches of {training.patch_size} px, "
        f"{training.optimizer}",
        "Learning rates": f"{rates}; every loss tries the same, and the best on validation is compared",
        "Seeds": ", ".join(map(str, grid.seeds)),
        "Computing": f"{seconds / 60:.1f} minutes of training and scoring",
        **{name: version(name) for name in ("mdfloss", "torch")},
        "Python": platform.python_version(),
    }
