"""Plots of a comparison, as SVG for a page (following its light or dark colours) and as SVG or PDF for print."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from mdfloss.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PALETTE", "curve_plot", "figure_svg", "new_figure", "plain", "save_figure"]

PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#888888")
"""Paul Tol's bright colours, told apart by colour-blind readers, on white and on black."""

INK = "#010203"
"""Colour of text and lines, which `figure_svg` turns into the colour of the text around the plot."""

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
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('plots need matplotlib: pip install "mdfloss[report]"') from error
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
) -> Figure:
    """Lines over training steps, one for each method, each named at its end as well as in the legend.

    Args:
        curves: Name → (steps, values); a curve without points is left out.
        xlabel: What runs to the right.
        ylabel: What runs up.
        title: Heading of the plot.
        log: Logarithmic values.

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
    if drawn:
        axes.legend(fontsize=8)
    return figure


def _draw(figure: Figure, target: Path | IO[str], kind: str) -> None:
    import matplotlib as mpl

    metadata = {"Date": None} if kind == "svg" else {"CreationDate": None}
    with mpl.rc_context(STYLE):
        figure.savefig(target, format=kind, transparent=kind == "svg", metadata=metadata)


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
    """Write a figure for print.

    Args:
        figure: A figure made by this module.
        path: A name that ends in `.svg` or `.pdf`.
        force: Replace an existing file.

    Raises:
        ValueError: Another suffix.
        FileExistsError: The file exists and `force` is False.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("svg", "pdf"):
        raise ValueError(f"a figure is written as .svg or .pdf, but the name is {path.name}")
    with atomic_write(path, force=force) as partial:
        _draw(figure, partial, kind)
