"""Plots of an inspection: every loss and number is there, in all of them by one colour."""

import pytest

from mdfloss.evaluation.plots import PALETTE, figure_svg
from mdfloss.inspection.plots import (
    border_plot,
    eigenvalue_plot,
    gain_plot,
    gradient_plot,
    layer_plot,
    orientation_plot,
    response_plot,
)


@pytest.mark.parametrize(
    ("plot", "panels"), [(gain_plot, 3), (gradient_plot, 3), (border_plot, 1), (eigenvalue_plot, 1)]
)
def test_losses_are_compared_in_every_panel_by_the_same_colour(plot, panels: int, two_inspections) -> None:
    figure = plot(two_inspections)
    assert len(figure.axes) == panels
    for axes in figure.axes:
        lines = [line for line in axes.lines if not line.get_label().startswith("_")]
        assert [line.get_color() for line in lines] == list(PALETTE[:2])
    drawing = figure_svg(figure, label="x")
    assert "mdf:$a$" in drawing, "as it is, and not as mathematics"


@pytest.mark.parametrize("gain_range", [(0.99, 1.01), (0.8, 1.2), (0.2, 4.0), (0.1, 9.0)])
def test_a_gain_can_be_read_from_the_axis(gain_range: tuple[float, float], made_up) -> None:
    figure = gain_plot([made_up("a", gain_range=gain_range)])
    figure.canvas.draw()
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    named = [label.get_text() for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    assert 3 <= len(named) <= 12


def test_more_losses_than_colours_differ_by_their_dashes(made_up) -> None:
    lines = border_plot([made_up(str(number)) for number in range(len(PALETTE) + 1)]).axes[0].lines
    assert lines[0].get_color() == lines[-1].get_color()
    assert lines[0].get_linestyle() != lines[-1].get_linestyle()


def test_maps_carry_their_numbers(two_inspections) -> None:
    found, without = two_inspections
    figure = orientation_plot(found)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:4] == [f"{value:.2g}" for value in found.gain.value[0].T[0]]
    assert found.layers is not None
    shown = [text.get_text() for text in layer_plot(found).axes[0].texts]
    assert shown == [f"{100 * value:.2g}" for value in found.layers.share.ravel()]
    with pytest.raises(ValueError, match="l1 has no scales and maps"):
        layer_plot(without)


def test_response_curves_start_at_the_weakest_distortion(two_inspections) -> None:
    (axes,) = response_plot(two_inspections[0]).axes
    assert axes.xaxis_inverted()
    assert len(axes.lines) == 6
