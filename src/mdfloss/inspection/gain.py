"""How strongly a loss answers small errors: by frequency, orientation, colour, place, scale and layer.

The *gain* of an error u is the strength of its response against that of white noise of the same energy. Losses are
made comparable by their local exponent p, measured on white noise (2 for squared distances, 1 for absolute ones):

    gain(u) = (L(x + a·u, x) / L(x + a·n, x))^(1/p),    L(x + a·n, x) ∝ aᵖ

so a gain of 2 means that u costs as much as white noise of twice its amplitude, whatever the norm. The *gradient gain*
is the ratio of the gradients' norms. For a squared distance after a linear filter h, gain = |h(f)| / √mean |h|² and
gradient gain = |h(f)|² / √mean |h|⁴. For an absolute distance the gradient does not shrink with the error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .probes import COLOURS, axis_noise, band_noise, grating, stratified_noise, white_noise

__all__ = [
    "BORDER",
    "BorderProfile",
    "GainSpectrum",
    "LayerProfile",
    "LossFunction",
    "border_profile",
    "gain_spectrum",
    "layer_profile",
    "local_exponent",
]

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""(pred, target), N×C×H×W → the mean over the batch; differentiable with respect to `pred`."""

Floats = NDArray[np.float64]

BORDER = 5
"""Width of what counts as border, px: the outputs of an 11 px window are centred this far inside."""

LOW_BAND = (0.0, 1 / 12)
HIGH_BAND = (1 / 4, 1.0)
"""Cycles per pixel that count as low and as high frequencies."""

NOISE_DRAWS = 4
"""Draws of white noise for each crop."""


@dataclass(frozen=True)
class GainSpectrum:
    """Gains of gratings.

    Args:
        frequencies: Cycles per pixel.
        orientations: Degrees; 0 has vertical bars.
        value: (colours, frequencies, orientations), colours in the order of `COLOURS`; relative to white noise.
        gradient: The same of the gradient's norm.
    """

    frequencies: tuple[float, ...]
    orientations: tuple[float, ...]
    value: Floats
    gradient: Floats

    @property
    def chroma_to_luma(self) -> float:
        """Geometric mean gain of both chroma directions over that of luma."""
        return _geometric(self.value[1:]) / max(_geometric(self.value[:1]), _TINY)

    @property
    def high_to_low(self) -> float:
        """Geometric mean gain, over colours and orientations, of high frequencies over that of low ones."""
        high, low = (self._band(band) for band in (HIGH_BAND, LOW_BAND))
        return high / max(low, _TINY)

    def _band(self, band: tuple[float, float]) -> float:
        inside = [index for index, f in enumerate(self.frequencies) if band[0] <= f <= band[1] + 1e-9]
        return _geometric(self.value[:, inside])


_TINY = 1e-12


def _geometric(values: Floats) -> float:
    return float(np.exp(np.log(np.maximum(values, _TINY)).mean()))


def local_exponent(loss: LossFunction, crops: Tensor, *, amplitude: float, generator: torch.Generator) -> float:
    """The exponent p with which a loss grows with the amplitude of white noise, between `amplitude` and its double.

    Args:
        loss: (pred, target) → mean over the batch.
        crops: (N, 3, H, W) in [0, 1].
        amplitude: RMS of the weaker noise, as a part of white.
        generator: Source of randomness.

    Raises:
        ValueError: The loss does not grow with the noise.
    """
    noise = white_noise((NOISE_DRAWS * len(crops), *crops.shape[1:]), generator=generator)
    target = crops.repeat(NOISE_DRAWS, 1, 1, 1)
    with torch.no_grad():
        rest, weak, strong = (float(loss(target + a * noise, target)) for a in (0.0, amplitude, 2 * amplitude))
    if not strong > weak > rest:
        raise ValueError(
            f"the loss does not grow with the error: {rest:.3g} without noise, {weak:.3g} with noise of RMS "
            f"{amplitude:.3g}, {strong:.3g} with twice that"
        )
    return float(np.log2((strong - rest) / (weak - rest)))


def gain_spectrum(
    loss: LossFunction,
    crops: Tensor,
    *,
    frequencies: Sequence[float],
    orientations: Sequence[float],
    amplitude: float,
    exponent: float,
    generator: torch.Generator,
) -> GainSpectrum:
    """Gains of gratings of equal energy, each crop with a phase of its own.

    Args:
        loss: (pred, target) → mean over the batch.
        crops: (N, 3, H, W) in [0, 1].
        frequencies: Cycles per pixel, within (0, 0.5].
        orientations: Degrees.
        amplitude: RMS of the gratings, as a part of white.
        exponent: `local_exponent` of the loss.
        generator: Source of the phases.
    """
    with torch.no_grad():
        rest = float(loss(crops, crops))
    noise = [white_noise(crops.shape, generator=generator) for _ in range(NOISE_DRAWS)]
    answers = np.array([_answer(loss, crops, amplitude * n) for n in noise])
    noise_value, noise_gradient = answers[:, 0].mean() - rest, np.sqrt((answers[:, 1] ** 2).mean())
    shape = (len(COLOURS), len(frequencies), len(orientations))
    value, gradient = np.zeros(shape), np.zeros(shape)
    for place, (colour, frequency, orientation) in _conditions(frequencies, orientations):
        # Phases away from π/2, where a grating of 0.5 cycles per pixel vanishes.
        phases = (torch.rand(len(crops), generator=generator) - 0.5) * 2.6
        probe = grating(
            (crops.shape[2], crops.shape[3]), frequency=frequency, orientation=orientation, colour=colour, phases=phases
        )
        found, norm = _answer(loss, crops, amplitude * probe)
        value[place] = (max(found - rest, 0.0) / noise_value) ** (1 / exponent)
        gradient[place] = norm / noise_gradient
    return GainSpectrum(tuple(frequencies), tuple(orientations), value, gradient)


def _conditions(
    frequencies: Sequence[float], orientations: Sequence[float]
) -> Iterator[tuple[tuple[int, int, int], tuple[str, float, float]]]:
    for c, colour in enumerate(COLOURS):
        for f, frequency in enumerate(frequencies):
            for o, orientation in enumerate(orientations):
                yield (c, f, o), (colour, frequency, orientation)


def _gradient(loss: LossFunction, target: Tensor, error: Tensor) -> tuple[float, Tensor]:
    """The loss of `target + error`, and each image's own gradient, (N, 3, H, W)."""
    pred = (target + error).requires_grad_()
    value = loss(pred, target)
    (gradient,) = torch.autograd.grad(value, pred)
    return float(value.detach()), gradient * len(target)


def _answer(loss: LossFunction, target: Tensor, error: Tensor) -> tuple[float, float]:
    """Mean loss over the batch, and the root mean square of the images' gradient norms."""
    value, gradient = _gradient(loss, target, error)
    return value, float(gradient.square().sum(dim=(1, 2, 3)).mean().sqrt())


@dataclass(frozen=True)
class BorderProfile:
    """How much of the gradient reaches a pixel, by its distance from the border.

    Args:
        gradient: (distances,) RMS of the gradient under white noise, 0 = outermost pixels; relative to the centre.
        ratio: That of the outer `BORDER` px over that of the centre.
    """

    gradient: Floats
    ratio: float


def border_profile(loss: LossFunction, crops: Tensor, *, amplitude: float, generator: torch.Generator) -> BorderProfile:
    """The gradient under white noise by the distance from the border; the centre is what lies 11 px or more inside.

    Args:
        loss: (pred, target) → mean over the batch.
        crops: (N, 3, side, side) in [0, 1], side ≥ 24 px.
        amplitude: Standard deviation of the noise, as a part of white.
        generator: Source of randomness.
    """
    side = crops.shape[-1]
    noise = amplitude * stratified_noise(NOISE_DRAWS, crops.shape, generator=generator)
    energy = torch.stack([_gradient(loss, crops, n)[1].double().square().mean(dim=(0, 1)) for n in noise]).mean(dim=0)
    steps = torch.arange(side)
    inwards = torch.minimum(steps, side - 1 - steps)
    distance = torch.minimum(inwards[:, None], inwards[None, :])
    centre = energy[distance >= 2 * BORDER + 1].mean()
    if not centre > 0:
        raise ValueError("no gradient reaches the centre of the crops: the loss ignores it")
    rings = torch.stack([energy[distance == d].mean() for d in range((side + 1) // 2)])
    ratio = (energy[distance < BORDER].mean() / centre).sqrt()
    return BorderProfile((rings / centre).sqrt().numpy(), float(ratio))


@dataclass(frozen=True)
class LayerProfile:
    """What each scale and map of a feature loss contributes, and sees.

    Args:
        share: (scales, maps), parts of the contributions' sum under white noise; they add up to 1.
        chroma_to_luma: (scales, maps), gain of chroma noise over that of luma noise.
        high_to_low: (scales, maps), gain of noise of high frequencies over that of low ones.
    """

    share: Floats
    chroma_to_luma: Floats
    high_to_low: Floats


def layer_profile(
    layers: LossFunction, crops: Tensor, *, amplitude: float, exponent: float, generator: torch.Generator
) -> LayerProfile:
    """Contributions of scales and maps under kinds of noise of equal energy.

    Args:
        layers: (pred, target) → (scales, maps), what each contributes to the loss.
        crops: (N, 3, H, W) in [0, 1].
        amplitude: RMS of the noise, as a part of white.
        exponent: `local_exponent` of the loss.
        generator: Source of randomness.
    """
    shape = crops.shape
    probes = {
        "white": white_noise(shape, generator=generator),
        "luma": axis_noise(shape, colours=["luma"], generator=generator),
        "chroma": axis_noise(shape, colours=["red-green", "yellow-blue"], generator=generator),
        "low": band_noise(shape, low=LOW_BAND[0], high=LOW_BAND[1], generator=generator),
        "high": band_noise(shape, low=HIGH_BAND[0], high=HIGH_BAND[1], generator=generator),
    }
    with torch.no_grad():
        found = {
            name: layers(crops + amplitude * probe, crops).double().numpy().clip(min=_TINY**2)
            for name, probe in probes.items()
        }
    ratios = [(found[a] / found[b]) ** (1 / exponent) for a, b in (("chroma", "luma"), ("high", "low"))]
    return LayerProfile(found["white"] / found["white"].sum(), *ratios)
