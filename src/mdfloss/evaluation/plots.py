"""Plots of a comparison, as SVG for a page (following its light or dark colours), and as SVG, PDF or PNG files."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from mdfloss.files import atomic_write

from .metrics import METRICS
from .summary import summarize
from .table import ScoreTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "INK",
    "PALETTE",
    "check_plots",
    "curve_plot",
    "figure_svg",
    "new_figure",
    "plain",
    "plane_plot",
    "save_figure",
    "violin_plot",
]

PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#888888")
"""Paul Tol's bright colours, told apart by colour-blind readers, on white and on black."""

INK = "#010203"
"""Colour of text and lines, which `figure_svg` turns into the colour of the text around the plot."""

MAGENTA = "#c2188b"
"""Colour of means, as in the paper's Fig. 4."""

PNG_DPI = 200
"""Pixels to an inch of a figure as PNG."""

STYLE: Any = {
    "font.size": 9.0,
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.0,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "mdfloss",
    "pdf.fonttype": 42,
}


def plain(text: str) -> str:
    """A text that matplotlib shows as it is, and does not read as mathematics.

    Args:
        text: Any text, such as the name of a file or method.

    Returns:
        The text with its dollar signs escaped.
    """
    return text.replace("$", r"\$")


def check_plots() -> None:
    """Say at once what a long computation would be told at its end.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ModuleNotFoundError('plots need matplotlib: pip install "mdfloss[report]"')


def new_figure(width: float, height: float, *, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure in this module's style, with a row of axes.

    Args:
        width: Width in inches.
        height: Height in inches.
        columns: Number of axes beside each other.

    Returns:
        The figure and its axes.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    check_plots()
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = [figure.add_subplot(1, columns, index + 1) for index in range(columns)]
        for one in axes:
            one.grid(visible=True, axis="y", color=INK, alpha=0.12, linewidth=0.6)
            one.set_axisbelow(True)
    return figure, axes


def curve_plot(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    log: bool = False,
    log_x: bool = False,
) -> Figure:
    """Lines over training steps, one for each method, each named at its end as well as in the legend.

    Args:
        curves: Name → (steps, values); a curve without points is left out.
        xlabel: What runs to the right.
        ylabel: What runs up.
        title: Heading of the plot.
        log: Logarithmic values.
        log_x: Logarithmic steps.

    Returns:
        The figure.
    """
    figure, (axes,) = new_figure(4.6, 2.9)
    drawn = 0
    for index, (name, (steps, values)) in enumerate(curves.items()):
        if len(steps):
            axes.plot(steps, values, color=PALETTE[index % len(PALETTE)], linewidth=1.5, label=plain(name))
            drawn += 1
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if log:
        axes.set_yscale("log")
    if log_x:
        axes.set_xscale("log")
    if drawn:
        axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    return figure


def violin_plot(scores: ScoreTable, *, metric: str, starred: Collection[str] = (), title: str = "") -> Figure:
    """The distribution of a metric for each method, as in the paper's Fig. 4.

    The magenta dot is the mean with its 95 % interval, the black one the 5th percentile (the 95th of a distance) with
    its bootstrap interval. The axis of a distance is turned over, so that better is always up.

    Args:
        scores: Scores of the methods.
        metric: Which of its metrics.
        starred: Methods with an asterisk: those that the candidate is significantly better than.
        title: Heading of the plot.

    Returns:
        The figure.
    """
    summary, described = summarize(scores), METRICS[metric]
    methods = scores.methods
    figure, (axes,) = new_figure(max(4.2, 0.8 * len(methods) + 1.2), 3.0)
    for index, method in enumerate(methods):
        values = scores.column(method, metric)
        values = values[np.isfinite(values)]
        color = PALETTE[index % len(PALETTE)]
        if values.size > 1 and np.ptp(values) > 0:
            drawn: Any = axes.violinplot([values], [index], widths=0.8, showextrema=False)["bodies"]
            drawn[0].set(facecolor=color, edgecolor=color, alpha=0.35)
        found = summary[method][metric]
        for estimate, dot, x in ((found.mean, MAGENTA, index - 0.05), (found.tail, INK, index + 0.05)):
            axes.plot([x, x], estimate[1:], color=dot, linewidth=1.4)
            axes.plot(x, estimate.value, "o", color=dot, markersize=4)
    labels = [plain(f"{method} *" if method in starred else method) for method in methods]
    axes.set_xticks(range(len(methods)), labels, rotation=25 if len(methods) > 4 else 0)
    axes.set(ylabel=described.axis_label, title=plain(title))
    if not described.higher_is_better:
        axes.invert_yaxis()
    return figure


def plane_plot(scores: ScoreTable, *, distortion: str, perception: str, title: str = "") -> Figure:
    """Means of two metrics against each other: the perception-distortion plane of the paper's Fig. 6.

    Both axes are turned so that less distortion lies to the left and better perception at the bottom.

    Args:
        scores: Scores of the methods.
        distortion: The metric to the right, such as "psnr".
        perception: The metric upwards, such as "jod".
        title: Heading of the plot.

    Returns:
        The figure.
    """
    summary = summarize(scores)
    figure, (axes,) = new_figure(4.2, 3.0)
    for index, method in enumerate(scores.methods):
        x, y = (summary[method][metric].mean for metric in (distortion, perception))
        color = PALETTE[index % len(PALETTE)]
        axes.plot(x[1:], [y.value] * 2, color=color, linewidth=0.8)
        axes.plot([x.value] * 2, y[1:], color=color, linewidth=0.8)
        axes.plot(x.value, y.value, "o", color=color, label=plain(method))
    axes.set(xlabel=METRICS[distortion].axis_label, ylabel=METRICS[perception].axis_label, title=plain(title))
    if METRICS[distortion].higher_is_better:
        axes.invert_xaxis()
    if METRICS[perception].higher_is_better:
        axes.invert_yaxis()
    axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    return figure


def _draw(figure: Figure, target: Path | IO[str], kind: str) -> None:
    import matplotlib as mpl

    dates = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}
    with mpl.rc_context(STYLE):
        figure.savefig(target, format=kind, transparent=kind == "svg", metadata=dates[kind], dpi=PNG_DPI)


def figure_svg(figure: Figure, *, label: str) -> str:
    """A figure as an `<svg>` element for a page: its ink takes the colour of the text around it.

    Args:
        figure: A figure made by this module.
        label: What it shows, for readers who cannot see it.

    Returns:
        The element; all text in it is escaped.
    """
    stream = io.StringIO()
    _draw(figure, stream, "svg")
    drawing = stream.getvalue()
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing[drawing.index("<svg") :], flags=re.DOTALL)
    # A page holds several drawings: their ids must differ, and a drawing must shrink with a narrow screen.
    prefix = f"f{hashlib.sha256((label + drawing).encode()).hexdigest()[:8]}-"
    drawing = re.sub(r'( id="|"#|url\(#)', lambda match: match.group(0) + prefix, drawing)
    drawing = re.sub(r' width="[^"]*" height="[^"]*"', "", drawing, count=1)
    name = f'<svg role="img" aria-label="{escape(label, quote=True)}" '
    return (name + drawing.removeprefix("<svg ")).replace(INK, "currentColor")


def save_figure(figure: Figure, path: Path, *, force: bool = True) -> None:
    """Write a figure for print, or to look at.

    Args:
        figure: A figure made by this module.
        path: A name that ends in `.svg`, `.pdf` or `.png`.
        force: Replace an existing file.

    Raises:
        ValueError: Another suffix.
        FileExistsError: The file exists and `force` is False.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "pdf", "png"):
        raise ValueError(f"a figure is written as .svg, .pdf or .png, but the name is {path.name}")
    with atomic_write(path, force=force) as partial:
        _draw(figure, partial, kind)
