"""The demo's page."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from mdfloss.evaluation.curves import read_curves
from mdfloss.evaluation.plots import curve_plot
from mdfloss.evaluation.summary import worst_first
from mdfloss.evaluation.table import ScoreTable
from mdfloss.evaluation.verdict import verdict
from mdfloss.report import Page, Plot, Scene, Section, write_page

from .folder import DemoFolder

__all__ = ["write_demo_page"]


def write_demo_page(
    folder: DemoFolder,
    scores: ScoreTable,
    methods: Mapping[str, str],
    *,
    facts: Mapping[str, str],
    commands: Sequence[str],
) -> None:
    """Write the page of a finished demo.

    Args:
        folder: The demo's folder.
        scores: Scores of every test picture and method.
        methods: Folder of a method → its name in the scores; the last is the fitted loss.
        facts: What decides the numbers, and how long they took.
        commands: What makes the same results by hand.
    """
    fitted = list(methods.values())[-1]
    section = Section(
        "Removing noise: which loss restores better?",
        scores,
        verdict(scores, candidate=fitted),
        fitted,
        plots=_plots(folder, methods),
        scenes=[_scene(folder, name, methods) for name in worst_first(scores, method=fitted, metric="psnr")],
    )
    facts = {
        **facts,
        "Photographs": "those that scikit-image ships",
        **{name: version(name) for name in ("mdfloss", "torch", "scikit-image")},
        "Python": platform.python_version(),
    }
    page = Page(
        "A loss from one photograph",
        [section],
        "A loss was fitted to one picture and to noise; then one small denoiser was trained with it, one with L1 and "
        "one with L2, for equally many steps. A demo of ten minutes shows the path, not the last word.",
        commands,
        facts,
    )
    write_page(page, folder.page, force=True)


def _plots(folder: DemoFolder, methods: Mapping[str, str]) -> list[Plot]:
    curves = {label: read_curves(folder.run(method) / "curves.csv") for method, label in methods.items()}
    quality = {label: (curve["step"], curve["val_psnr"]) for label, curve in curves.items()}
    norms = {label: (curve["step"], curve["gradient_norm"]) for label, curve in curves.items()}
    step = "training step"
    return [
        Plot(curve_plot(quality, xlabel=step, ylabel="PSNR [dB]"), "PSNR on two validation pictures during training."),
        Plot(
            curve_plot(norms, xlabel=step, ylabel="norm of the gradient", log=True),
            "Norm of the gradient: losses differ in scale, so equal learning rates need not be equally good.",
        ),
    ]


def _scene(folder: DemoFolder, name: str, methods: Mapping[str, str]) -> Scene:
    file = f"{name}.png"
    clean, noisy = folder.photographs("test") / file, folder.distorted / file
    restored = {label: folder.restored(method) / file for method, label in methods.items()}
    return Scene(name, {"Reference": clean, "Noisy": noisy, **restored})
