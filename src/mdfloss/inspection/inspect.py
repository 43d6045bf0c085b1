"""Look at a loss before training with it: gains, borders, layers, response curves and condition number together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .curvature import Curvature, Term, eigenvalues
from .gain import (
    BorderProfile,
    GainSpectrum,
    LayerProfile,
    border_profile,
    gain_spectrum,
    layer_profile,
    local_exponent,
)
from .probes import COLOURS, cut_crops
from .response import PSNR_LEVELS, EqualPSNRSet, equal_psnr_set, response_curves
from .subjects import InspectedLoss

__all__ = ["InspectConfig", "Inspection", "Summary", "inspect_losses"]

CONTRAST_TRIES = 8
"""Places tried for a crop that is blurred and loses contrast: a smooth one cannot lose much."""


@dataclass(frozen=True)
class InspectConfig:
    """How losses are inspected.

    Args:
        num_crops: Crops of the pictures, for every measurement.
        crop_size: Side of those that gratings and noise are added to, px; 24 or more.
        response_size: Side of those that are distorted at equal PSNR, px.
        block_size: Side of the block whose pixels the condition number is about; 12 px are left around it.
        sigma: RMS of gratings and noise, in 1/255.
        draws: Draws of the residual error that curvature is expected over.
        frequencies: Of the gratings, cycles per pixel.
        orientations: Of the gratings, degrees; 0 has vertical bars.
        seed: Start of the random numbers: crops, phases, noise.

    Raises:
        ValueError: An option is outside its range.
    """

    num_crops: int = 3
    crop_size: int = 48
    response_size: int = 64
    block_size: int = 8
    sigma: float = 2.0
    draws: int = 8
    frequencies: tuple[float, ...] = (1 / 48, 1 / 24, 1 / 12, 1 / 6, 1 / 4, 3 / 8, 1 / 2)
    orientations: tuple[float, ...] = (0.0, 45.0, 90.0, 135.0)
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("num_crops", 1), ("crop_size", 24), ("response_size", 24), ("block_size", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not self.sigma > 0:
            raise ValueError(f"sigma must be positive, got {self.sigma}")

    @property
    def patch_size(self) -> int:
        """Side of the patches of the condition number, px."""
        return self.block_size + 24


KINKED = 1.5
"""Exponent below which a loss is taken as one with kinks, as an absolute distance has."""

SMOOTH_DRAWS = 2
"""Draws of the residual error that are enough for a loss without kinks whose curvature comes from differences."""


class Summary(NamedTuple):
    """A loss in six numbers.

    Attributes:
        exponent: How it grows with small errors: 2 squared, 1 absolute.
        condition: Largest over smallest eigenvalue of the expected curvature; a million means that or more.
        spread: 95th over 5th percentile of those eigenvalues.
        chroma_to_luma: Gain of chroma gratings over that of luma gratings.
        border_to_centre: RMS of the gradient in the outer 5 px over that of the centre.
        high_to_low: Gain of gratings from 1/4 cycle per pixel on over that of gratings up to 1/12.
    """

    exponent: float
    condition: float
    spread: float
    chroma_to_luma: float
    border_to_centre: float
    high_to_low: float


@dataclass(frozen=True)
class Inspection:
    """What was found out about a loss.

    Args:
        name: Its name.
        exponent: See `local_exponent`.
        gain: By frequency, orientation and colour.
        border: By distance from the border.
        curvature: Eigenvalues of the expected Hessian.
        response: Kind of distortion → loss at each of `levels`.
        levels: PSNR in dB.
        layers: By scale and map, for a loss that has them.
    """

    name: str
    exponent: float
    gain: GainSpectrum
    border: BorderProfile
    curvature: Curvature
    response: dict[str, NDArray[np.float64]]
    levels: tuple[float, ...] = PSNR_LEVELS
    layers: LayerProfile | None = None

    @property
    def summary(self) -> Summary:
        """The loss in six numbers."""
        return Summary(
            self.exponent,
            self.curvature.condition,
            self.curvature.spread,
            self.gain.chroma_to_luma,
            self.border.ratio,
            self.gain.high_to_low,
        )

    def to_json(self) -> dict[str, Any]:
        """Everything, for `json.dumps`; what is not a number is None."""
        layers = self.layers
        return {
            "name": self.name,
            "summary": _plain(self.summary._asdict()),
            "gain": {
                "colours": list(COLOURS),
                "frequencies": list(self.gain.frequencies),
                "orientations": list(self.gain.orientations),
                "value": _plain(self.gain.value),
                "gradient": _plain(self.gain.gradient),
            },
            "border": _plain(self.border.gradient),
            "eigenvalues": _plain(self.curvature.eigenvalues),
            "colour_curvature": dict(zip(COLOURS, _plain(self.curvature.colour), strict=True)),
            "response": {"psnr": list(self.levels), **{kind: _plain(row) for kind, row in self.response.items()}},
            "layers": layers and {name: _plain(value) for name, value in vars(layers).items()},
        }


def _plain(value: Any) -> Any:
    """Arrays as lists, and numbers that JSON has not as None."""
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value if math.isfinite(value) else None


class _Material(NamedTuple):
    """What every loss is shown."""

    crops: Tensor
    patches: Tensor
    distorted: EqualPSNRSet


def inspect_losses(
    losses: Sequence[InspectedLoss], images: Sequence[Tensor], *, config: InspectConfig | None = None
) -> Iterator[Inspection]:
    """Inspect losses on the same crops of the same pictures, with the same errors.

    Args:
        losses: The losses.
        images: Pictures, each (1, 3, H, W) in [0, 1]; `num_crops` of them, spread evenly, where there are more.
        config: How.

    Yields:
        One inspection for each loss, in their order.

    Raises:
        ValueError: A picture is smaller than a crop, or a loss does not answer to small errors; the message names it.
    """
    config = config or InspectConfig()
    generator = torch.Generator().manual_seed(config.seed)
    crops, patches, larger = (
        cut_crops(images, count=config.num_crops, side=side, tries=tries, generator=generator)
        for side, tries in ((config.crop_size, 1), (config.patch_size, 1), (config.response_size, CONTRAST_TRIES))
    )
    material = _Material(crops, patches, equal_psnr_set(larger, generator=generator))
    for one in losses:
        try:
            yield _inspect(one, material, config)
        except ValueError as error:
            raise ValueError(f"{one.name}: {error}") from error


def _inspect(inspected: InspectedLoss, material: _Material, config: InspectConfig) -> Inspection:
    generator = torch.Generator().manual_seed(config.seed + 1)
    loss, crops, amplitude = inspected.loss, material.crops, config.sigma / 255
    exponent = local_exponent(loss, crops, amplitude=amplitude, generator=generator)
    gain = gain_spectrum(
        loss,
        crops,
        frequencies=config.frequencies,
        orientations=config.orientations,
        amplitude=amplitude,
        exponent=exponent,
        generator=generator,
    )
    layers = inspected.layers and layer_profile(
        inspected.layers, crops, amplitude=amplitude, exponent=exponent, generator=generator
    )
    has_kinks = exponent < KINKED or any(term.form and term.form.absolute for term in inspected.terms)
    found = eigenvalues(
        inspected.terms or [Term(loss)],
        material.patches,
        block=config.block_size,
        sigma=amplitude,
        draws=config.draws if has_kinks else SMOOTH_DRAWS,
        generator=generator,
    )
    return Inspection(
        name=inspected.name,
        exponent=exponent,
        gain=gain,
        border=border_profile(loss, crops, amplitude=amplitude, generator=generator),
        curvature=found,
        response=response_curves(loss, material.distorted),
        levels=material.distorted.levels,
        layers=layers or None,
    )
