"""What a generator is fed: the seed through all coarser generators, with the task's distortion added.

Paper section 3.1: y~^k = G^k(y~^(k-1) upsampled + z^k), where z^k is the task's distortion, and the coarsest
generator sees the downsampled seed with the distortion. Everything is computed on windows, so that neither time
nor memory grows with the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from mdfloss.bank import RECEPTIVE_FIELD
from mdfloss.distortions import Distortion, check_distortion, resize
from mdfloss.input_range import from_input_range, to_input_range

from .pyramid import Size
from .windows import Window, cut, grow, source_window, upsample

__all__ = ["MARGIN", "Chain", "Degradation", "ScaleInput"]

_PROBE_SIDE = 120
"""Side of the image that a distortion is tried on: a multiple of every usual factor."""

MARGIN = RECEPTIVE_FIELD // 2
"""Zero padding of a generator, in pixels on each side."""


class ScaleInput(NamedTuple):
    """What the networks of a scale see in one iteration, all in [-1, 1].

    Attributes:
        padded: Distorted input of the generator with its margin, (N, 3, H + 10, W + 10); zero outside the level.
        previous: What the generator adds its output to, (N, 3, H, W): the upsampled output of the scale before,
            zero at the coarsest; or the distorted input.
        real: The seed there, (N, 3, H, W).
    """

    padded: Tensor
    previous: Tensor
    real: Tensor


class Degradation:
    """The task's distortion, brought to the range and the size that the generators work on.

    A distortion that changes the size, such as `Downscale(4)`, marks a sampling task: its result is resized back,
    and it acts on the coarsest input only (the paper's z = 0 for super-resolution).

    Args:
        distortion: Acts on (N, 3, H, W) in [0, 1].

    Raises:
        ValueError: The distortion returns no tensor, another number of images or channels, or values that are not
            finite.
    """

    def __init__(self, distortion: Distortion) -> None:
        check_distortion(distortion, size=_PROBE_SIDE)
        self._distortion = distortion
        result = distortion(torch.full((1, 3, _PROBE_SIDE, _PROBE_SIDE), 0.5), torch.Generator().manual_seed(0))
        self.changes_size = result.shape[-1] != _PROBE_SIDE
        """Whether nothing is added at the finer scales."""
        self._multiple = max(round(_PROBE_SIDE / result.shape[-1]), 1)

    def acts_on(self, scale_index: int) -> bool:
        """Whether the distortion is added to the input of a scale."""
        return scale_index == 0 or not self.changes_size

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Distort images.

        Args:
            image: (N, 3, H, W) in [-1, 1].
            generator: Source of the strengths.

        Returns:
            The same shape and range; noise is not clipped.
        """
        height, width = image.shape[-2:]
        below, right = -height % self._multiple, -width % self._multiple
        whole = nn.functional.pad(image, (0, right, 0, below), mode="replicate") if below or right else image
        distorted = self._distortion(from_input_range(whole), generator)
        if distorted.shape[-2:] != whole.shape[-2:]:
            distorted = resize(distorted, (height + below, width + right), kernel="bicubic")
        return to_input_range(distorted[..., :height, :width])


@dataclass(frozen=True)
class Chain:
    """One seed's levels and the generators fitted so far, coarsest first.

    Args:
        levels: The seed at every scale, (1, 3, h, w) in [0, 1]; only windows of it are brought to [-1, 1].
        generators: Frozen generators of the scales before the present one, in eval mode; shared between seeds.
        degradation: The task's distortion.
        residual: What the generators add their output to, as in `FitConfig`.
    """

    levels: Sequence[Tensor]
    generators: Sequence[nn.Module]
    degradation: Degradation
    residual: Literal["previous", "distorted"] = "previous"

    def size(self, scale_index: int) -> Size:
        """Height and width of a level."""
        height, width = self.levels[scale_index].shape[-2:]
        return height, width

    def generator_input(self, scale_index: int, window: Window, generator: torch.Generator) -> ScaleInput:
        """What the generator of a scale sees in a window of its level.

        Args:
            scale_index: 0 = coarsest; all generators below it must be there.
            window: Windows of the level.
            generator: Source of the distortions' strengths, drawn anew in every call.
        """
        level = self.levels[scale_index]
        wide = grow(window, MARGIN, level=self.size(scale_index))
        clean = to_input_range(cut(level, wide)) if scale_index == 0 else self._upsampled(scale_index, wide, generator)
        distorted = self.degradation(clean, generator) if self.degradation.acts_on(scale_index) else clean
        if self.residual == "distorted":
            previous = cut(distorted, window, origin=wide)
        elif scale_index == 0:
            previous = torch.zeros(len(window.top), 3, *window.size, device=level.device)
        else:
            previous = cut(clean, window, origin=wide)
        padded = cut(distorted, grow(window, MARGIN, level=None), origin=wide)
        return ScaleInput(padded, previous, to_input_range(cut(level, window)))

    @torch.no_grad()
    def output(self, scale_index: int, window: Window, generator: torch.Generator) -> Tensor:
        """Fake image y~ of a finished scale in a window of its level, (N, 3, H, W) in about [-1, 1].

        Args:
            scale_index: 0 = coarsest.
            window: Windows of the level.
            generator: Source of the distortions' strengths.
        """
        padded, previous, _ = self.generator_input(scale_index, window, generator)
        fake: Tensor = self.generators[scale_index](padded, previous)
        return fake

    def _upsampled(self, scale_index: int, window: Window, generator: torch.Generator) -> Tensor:
        level, source_level = self.size(scale_index), self.size(scale_index - 1)
        origin = source_window(window, level=level, source_level=source_level)
        source = self.output(scale_index - 1, origin, generator)
        return upsample(source, window, origin=origin, level=level, source_level=source_level)
