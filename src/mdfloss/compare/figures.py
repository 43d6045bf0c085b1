"""The figures of a comparison: the paper's Fig. 4, 6 and 15, and the curves of the trainings."""

from __future__ import annotations

import numpy as np

from mdfloss.evaluation.plots import curve_plot, plane_plot, violin_plot
from mdfloss.evaluation.verdict import ALPHA, compare_methods
from mdfloss.report import Plot

from .grid import Grid
from .plan import Plan
from .results import Part

__all__ = ["part_plots"]

PERCEPTION = ("jod", "lpips", "haarpsi", "mdsi", "vsi", "gmsd", "ms_ssim", "ssim")
"""What the perception axis shows: the first of these that was measured."""


def part_plots(plan: Plan, part: Part) -> dict[str, Plot]:
    """Every figure of a part, the more telling ones first.

    Args:
        plan: The comparison.
        part: One of its parts.

    Returns:
        Name of a file → figure.
    """
    violins = {f"violins-{metric}": _violins(plan.grid, part, metric) for metric in plan.grid.metrics}
    first, *others = violins.items()
    return dict([first, *_plane(plan.grid, part), *_curves(plan, part), *_weights(plan.grid, part), *others])


def _violins(grid: Grid, part: Part, metric: str) -> Plot:
    findings = compare_methods(part.scores, candidate=grid.candidate, metric=metric)
    starred = [finding.rival for finding in findings if finding.p_better < ALPHA]
    caption = (
        "Magenta: mean with its 95 % interval; beside it the score that 5 % of pictures are worse than, with its "
        f"bootstrap interval. *: {grid.candidate} is significantly better (paired, one-tailed, Holm)."
    )
    return Plot(violin_plot(part.scores, metric=metric, starred=starred), caption)


def _plane(grid: Grid, part: Part) -> list[tuple[str, Plot]]:
    perception = next((name for name in PERCEPTION if name in grid.metrics), None)
    if perception is None or "psnr" not in grid.metrics:
        return []
    figure = plane_plot(part.scores, distortion="psnr", perception=perception)
    return [("plane", Plot(figure, "Perception against distortion: better is left and down."))]


def _curves(plan: Plan, part: Part) -> list[tuple[str, Plot]]:
    plots = []
    xlabel = "training step" if part.setting.budget == "steps" else "training time [s]"
    for column, label, log in (
        ("val_psnr", "validation PSNR [dB]", False),
        ("gradient_norm", "norm of the gradient", True),
        ("dead_relus", "share of ReLUs that never fire", False),
    ):
        curves = {loss: _mean_curve(plan, part, loss, column) for loss in plan.grid.losses}
        if not any(np.nansum(values) > 0 for _, values in curves.values()):
            continue
        figure = curve_plot(curves, xlabel=xlabel, ylabel=label, log=log)
        plots.append((column, Plot(figure, f"{label[0].upper()}{label[1:]} during training, mean over seeds.")))
    return plots


def _mean_curve(plan: Plan, part: Part, loss: str, column: str) -> tuple[list[float], list[float]]:
    runs = part.of(loss)
    curves = [result.curves() for result in runs]
    scale = 1.0 if part.setting.budget == "steps" else plan.speeds[runs[0].run.kind]
    steps = [scale * step for step in curves[0]["step"]]
    unknown = [float("nan")] * len(steps)  # a column that an older version did not write
    return steps, np.mean([curve.get(column, unknown) for curve in curves], axis=0).tolist()


def _weights(grid: Grid, part: Part) -> list[tuple[str, Plot]]:
    """For each loss with λ: learning rate → mean validation PSNR over λ, the paper's Fig. 15."""
    plots = []
    for loss in (name for name, described in grid.losses.items() if described.weights):
        found: dict[str, dict[float, list[float]]] = {}
        for result in part.results:
            run = result.run
            if run.loss == loss and run.weight is not None and run.seed in grid.choosing_seeds and not result.failure:
                at_rate = found.setdefault(f"lr {run.lr:g}", {})
                at_rate.setdefault(run.weight, []).append(result.val_psnr)
        curves = {
            rate: (sorted(values), [float(np.mean(values[weight])) for weight in sorted(values)])
            for rate, values in found.items()
        }
        figure = curve_plot(curves, xlabel="weight λ", ylabel="validation PSNR [dB]", log_x=True)
        plots.append((f"weight-{loss}", Plot(figure, f"{loss}: the weight is chosen on validation pictures.")))
    return plots
