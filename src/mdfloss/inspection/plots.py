"""Plots of an inspection: gain spectra, borders, eigenvalues, response curves, scales and layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdfloss.evaluation.plots import INK, PALETTE, new_figure, plain

from .inspect import Inspection
from .probes import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "border_plot",
    "eigenvalue_plot",
    "gain_plot",
    "gradient_plot",
    "layer_plot",
    "orientation_plot",
    "response_plot",
]

Floats = NDArray[np.float64]

GAIN_LIMIT = 4.0
"""Gain at which the colours of a heat map end, both ways."""

DASHES = ("-", "--", ":", "-.")


def gain_plot(inspections: Sequence[Inspection]) -> Figure:
    """Gain against spatial frequency, one panel for each colour direction; geometric mean over orientations."""
    return _spectra(inspections, lambda found: found.gain.value, "gain (white noise: 1)")


def gradient_plot(inspections: Sequence[Inspection]) -> Figure:
    """The gradient's norm against spatial frequency, one panel for each colour direction; mean over orientations."""
    return _spectra(inspections, lambda found: found.gain.gradient, "gradient norm (white noise: 1)")


def _spectra(inspections: Sequence[Inspection], what: Callable[[Inspection], Floats], ylabel: str) -> Figure:
    figure, panels = new_figure(9.4, 3.1, columns=len(COLOURS))
    for index, (axes, colour) in enumerate(zip(panels, COLOURS, strict=True)):
        for number, found in enumerate(inspections):
            curve = np.exp(np.log(np.maximum(what(found)[index], 1e-6)).mean(axis=1))
            axes.plot(found.gain.frequencies, curve, marker="o", markersize=2.5, **_line(number, found.name))
        _frequency_axis(axes, inspections[0].gain.frequencies)
        axes.set_yscale("log", base=2)
        axes.set(title=colour, ylabel=ylabel if index == 0 else "")
        axes.axhline(1, color=INK, linewidth=0.6, alpha=0.5)
    low, high = (f([f(axes.get_ylim()) for axes in panels]) for f in (min, max))
    for axes in panels:
        axes.set_ylim(low, high)
        _plain_numbers(axes)
    _legend(figure, panels[0], len(inspections))
    return figure


def _line(number: int, name: str) -> dict[str, Any]:
    """Colour and dashes of the n-th loss, the same in every plot."""
    dashes = DASHES[number // len(PALETTE) % len(DASHES)]
    return {"color": PALETTE[number % len(PALETTE)], "linestyle": dashes, "linewidth": 1.5, "label": plain(name)}


def _frequency_axis(axes: Axes, frequencies: Sequence[float]) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(frequencies[::2], [f"1/{1 / f:.3g}" for f in frequencies[::2]])
    axes.minorticks_off()
    axes.set_xlabel("cycles per pixel")


def _plain_numbers(axes: Axes) -> None:
    """Numbers of a logarithmic axis without powers, close enough to read a gain from."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    low, high = axes.get_ylim()
    in_decades = LogLocator(subs=(1, 1.4, 2, 3, 5, 7) if high < 30 * low else (1,))
    axes.yaxis.set_major_locator(in_decades if high > 3 * low else MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda _value, _: "")


def _legend(figure: Figure, axes: Axes, count: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(count, 4), fontsize=8, frameon=False, labelcolor=INK
    )


def border_plot(inspections: Sequence[Inspection]) -> Figure:
    """The gradient that reaches a pixel by its distance from the border."""
    figure, (axes,) = new_figure(4.6, 3.3)
    for number, found in enumerate(inspections):
        axes.plot(found.border.gradient, **_line(number, found.name))
    axes.set(xlabel="distance from the border, px", ylabel="gradient under noise (centre: 1)")
    axes.set_ylim(bottom=0)
    _legend(figure, axes, min(len(inspections), 2))
    return figure


def eigenvalue_plot(inspections: Sequence[Inspection]) -> Figure:
    """Eigenvalues of the expected curvature on all patches, in order, relative to their mean."""
    figure, (axes,) = new_figure(4.6, 3.3)
    for number, found in enumerate(inspections):
        values = np.sort(found.curvature.eigenvalues.ravel())[::-1]
        axes.plot(np.linspace(0, 100, len(values)), np.maximum(values, 1e-7), **_line(number, found.name))
    axes.set(xlabel="directions, % from the stiffest", ylabel="eigenvalue (mean: 1)", yscale="log")
    _plain_numbers(axes)
    _legend(figure, axes, min(len(inspections), 2))
    return figure


def response_plot(found: Inspection) -> Figure:
    """A loss against distortions of equal PSNR (paper, Fig. 17), relative to noise at the middle level."""
    figure, (axes,) = new_figure(4.6, 3.0)
    middle = len(found.levels) // 2
    unit = found.response["noise"][middle]
    for number, (kind, values) in enumerate(found.response.items()):
        axes.plot(found.levels, values / unit, marker="o", markersize=2.5, **_line(number, kind))
    axes.invert_xaxis()
    axes.set_yscale("log")
    _plain_numbers(axes)
    axes.set(xlabel="PSNR, dB", ylabel=f"loss (noise at {found.levels[middle]:g} dB: 1)", title=plain(found.name))
    axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    return figure


def orientation_plot(found: Inspection) -> Figure:
    """Gain by frequency and orientation, one map for each colour direction."""
    figure, panels = new_figure(9.4, 2.5, columns=len(COLOURS))
    columns = [f"1/{1 / f:.3g}" for f in found.gain.frequencies]
    rows = [f"{angle:g}°" for angle in found.gain.orientations]
    for axes, colour, values in zip(panels, COLOURS, found.gain.value, strict=True):
        image = _heat_map(axes, values.T, rows, columns)
        axes.set(title=colour, xlabel="cycles per pixel")
    _colour_bar(figure, panels, image, "gain (white noise: 1)")
    return figure


def layer_plot(found: Inspection) -> Figure:
    """What each scale and map contributes under white noise, and how it weighs chroma and high frequencies.

    Raises:
        ValueError: The loss has no layers.
    """
    layers = found.layers
    if layers is None:
        raise ValueError(f"{found.name} has no scales and maps")
    scales, maps = layers.share.shape
    figure, panels = new_figure(9.4, 1.3 + 0.24 * scales, columns=3)
    rows, columns = [f"scale {k}" for k in range(scales)], [str(index + 1) for index in range(maps)]
    titles = ("share of the loss, %", "chroma / luma", "high / low frequency")
    _heat_map(panels[0], 100 * layers.share, rows, columns, logarithmic=False)
    for axes, values in zip(panels[1:], (layers.chroma_to_luma, layers.high_to_low), strict=True):
        image = _heat_map(axes, values, rows, columns)
    for axes, title in zip(panels, titles, strict=True):
        axes.set(title=title, xlabel="map compared")
    _colour_bar(figure, panels[1:], image, "ratio of gains")
    return figure


def _heat_map(
    axes: Axes, values: Floats, rows: Sequence[str], columns: Sequence[str], *, logarithmic: bool = True
) -> Any:
    """Cells with their numbers; the first row on top."""
    limit = np.log2(GAIN_LIMIT)
    shown = np.log2(np.maximum(values, 1e-6)) if logarithmic else values
    options = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit} if logarithmic else {"cmap": "Purples", "vmin": 0}
    mesh = axes.pcolormesh(shown, **options)
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = mesh.cmap(mesh.norm(shown[row, column]))
        text = "#000000" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.5 else "#ffffff"
        axes.text(column + 0.5, row + 0.5, f"{value:.2g}", ha="center", va="center", fontsize=6.5, color=text)
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, fontsize=7)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, fontsize=7)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.invert_yaxis()
    return mesh


def _colour_bar(figure: Figure, panels: Sequence[Axes], image: Any, label: str) -> None:
    bar = figure.colorbar(image, ax=list(panels), label=label, extend="both", shrink=0.9)
    ticks = np.arange(-np.log2(GAIN_LIMIT), np.log2(GAIN_LIMIT) + 1)
    bar.set_ticks(ticks.tolist(), labels=[f"{2.0**tick:g}" for tick in ticks])
