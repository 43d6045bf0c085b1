"""Gains against losses whose gain is known: flat ones, linear filters, blind ones."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from mdfloss.inspection.gain import (
    GainSpectrum,
    LossFunction,
    border_profile,
    gain_spectrum,
    layer_profile,
    local_exponent,
)
from mdfloss.inspection.probes import COLOURS

FREQUENCIES = (1 / 24, 1 / 12, 1 / 4, 3 / 8)


@pytest.fixture
def crops(generator: torch.Generator) -> Tensor:
    return torch.rand(3, 3, 48, 48, generator=generator)


def l2(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean()


def l1(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


def blurred_l2(pred: Tensor, target: Tensor) -> Tensor:
    """The squared error after [1 2 1]/4 along rows and columns, round the border."""
    error = pred - target
    for dim in (2, 3):
        error = (2 * error + error.roll(1, dim) + error.roll(-1, dim)) / 4
    return error.square().mean()


def luma_l2(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).mean(dim=1).square().mean()


def _spectrum(loss: LossFunction, crops: Tensor, exponent: float, orientations: tuple[float, ...]) -> GainSpectrum:
    return gain_spectrum(
        loss,
        crops,
        frequencies=FREQUENCIES,
        orientations=orientations,
        amplitude=0.01,
        exponent=exponent,
        generator=torch.Generator().manual_seed(1),
    )


@pytest.mark.parametrize(("loss", "exponent"), [(l2, 2), (l1, 1), (blurred_l2, 2)])
def test_exponent(loss: LossFunction, exponent: float, crops: Tensor, generator: torch.Generator) -> None:
    assert local_exponent(loss, crops, amplitude=0.01, generator=generator) == pytest.approx(exponent, abs=1e-3)


def test_exponent_of_a_loss_that_sees_nothing(crops: Tensor, generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match="does not grow with the error"):
        local_exponent(lambda pred, target: 0 * l2(pred, target), crops, amplitude=0.01, generator=generator)


def test_l2_is_flat_over_frequency_orientation_and_colour(crops: Tensor) -> None:
    gain = _spectrum(l2, crops, 2, (0.0, 45.0, 90.0, 135.0))
    assert gain.value.shape == (3, 4, 4)
    assert gain.value == pytest.approx(1, abs=1e-3)
    assert gain.gradient == pytest.approx(1, abs=1e-3)
    assert gain.chroma_to_luma == pytest.approx(1, abs=1e-3)
    assert gain.high_to_low == pytest.approx(1, abs=1e-3)


def test_a_linear_filter_has_its_own_spectrum(crops: Tensor) -> None:
    gain = _spectrum(blurred_l2, crops, 2, (0.0, 90.0))
    amplitude = np.cos(math.pi * np.array(FREQUENCIES)) ** 2  # of the filter, along one axis
    assert gain.value == pytest.approx(np.broadcast_to(amplitude[:, None] / (3 / 8), (3, 4, 2)), rel=0.03)
    assert gain.gradient == pytest.approx(np.broadcast_to(amplitude[:, None] ** 2 / (35 / 128), (3, 4, 2)), rel=0.03), (
        "the mean of cos⁴ is 3/8, of cos⁸ 35/128"
    )
    high, low = amplitude[2:], amplitude[:2]
    assert gain.high_to_low == pytest.approx(math.sqrt(high.prod() / low.prod()), rel=0.01)


def test_a_loss_that_is_blind_to_chroma(crops: Tensor) -> None:
    gain = _spectrum(luma_l2, crops, 2, (0.0,))
    assert gain.value[0] == pytest.approx(math.sqrt(3), rel=0.03), "all of its gain is in one of three directions"
    assert gain.value[1:].max() < 1e-3
    assert gain.chroma_to_luma < 1e-3


def test_gradient_by_distance_from_the_border(crops: Tensor, generator: torch.Generator) -> None:
    flat = border_profile(l2, crops, amplitude=0.01, generator=generator)
    assert flat.gradient == pytest.approx(1, abs=1e-3)
    assert flat.ratio == pytest.approx(1, abs=1e-3)
    cropped = border_profile(
        lambda pred, target: l2(pred[..., 5:-5, 5:-5], target[..., 5:-5, 5:-5]),
        crops,
        amplitude=0.01,
        generator=generator,
    )
    assert cropped.gradient.tolist() == pytest.approx([0] * 5 + [1] * 19, abs=1e-3)
    assert cropped.ratio == 0
    box = torch.ones(3, 1, 3, 3) / 9
    valid = border_profile(
        lambda pred, target: conv2d(pred - target, box, groups=3).square().mean(),
        crops,
        amplitude=0.01,
        generator=generator,
    )
    assert valid.gradient[0] < valid.gradient[1] < 0.95
    assert valid.gradient[4:].tolist() == pytest.approx([1] * 20, abs=0.1)


def test_layers_share_the_loss_and_have_their_own_ratios(crops: Tensor, generator: torch.Generator) -> None:
    def layers(pred: Tensor, target: Tensor) -> Tensor:
        chroma = (pred - target - (pred - target).mean(dim=1, keepdim=True)).square().mean()
        return torch.stack([l2(pred, target), 3 * l2(pred, target), blurred_l2(pred, target), chroma]).view(2, 2)

    found = layer_profile(layers, crops, amplitude=0.01, exponent=2, generator=generator)
    assert found.share.sum() == pytest.approx(1)
    assert found.share[0, 1] == pytest.approx(3 * found.share[0, 0])
    assert found.chroma_to_luma[0] == pytest.approx(1, abs=1e-3)
    assert found.high_to_low[0] == pytest.approx(1, abs=1e-3)
    assert found.high_to_low[1, 0] < 0.5
    assert found.chroma_to_luma[1, 1] > 100
    assert len(COLOURS) == 3
