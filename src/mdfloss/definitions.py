"""What exactly a feature distance is: which maps of a discriminator are compared, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from .bank import DiscriminatorBank
from .comparison import COMPARISONS, Comparison

__all__ = ["DEFINITIONS", "Definition", "resolve_definition"]


@dataclass(frozen=True)
class Definition:
    """Which maps are compared, and how.

    Args:
        maps: 0 to 3 for the blocks, 4 for the tail.
        activated: Compare the blocks' maps after their LeakyReLU rather than before.
        comparison: How two maps are compared: the mean of their absolute or squared differences, or "structure": one
            minus SSIM's contrast-structure term.
        whitened: Multiply each map by the bank's whitening matrix; needs a conditioned bank, blocks only.
        padded: Mirror the image by 5 px first, so that border pixels weigh as much as inner ones.
        scaled: Convert [0, 1] to the bank's input range; the authors' code feeds [0, 1] as it is.
        pixel_rms: Weight of the root of each image's mean squared difference of the pixels, in [0, 1], that is added.
        pixel_mse: Weight of each image's mean squared difference itself, by which images of large errors weigh more.
        map_weight: Weight of every map.
        pyramid: Each discriminator sees the image in the resolution of the scale that it was fitted on, as far as that
            leaves 11 px a side, and the maps that are compared count for those that are not; else all see it as it is,
            as in the paper.
    """

    maps: tuple[int, ...]
    activated: bool
    comparison: Comparison
    whitened: bool
    padded: bool
    scaled: bool
    pixel_rms: float = 0.0
    pixel_mse: float = 0.0
    map_weight: float = 1.0
    pyramid: bool = False

    def __post_init__(self) -> None:
        if not self.maps or not set(self.maps) <= set(range(5)):
            raise ValueError(f"maps must be indices within 0..4, got {self.maps}")
        if self.whitened and (self.activated or 4 in self.maps):
            raise ValueError("whitening matrices are for the blocks' maps (0..3) before their LeakyReLU")
        if self.comparison not in COMPARISONS:
            raise ValueError(f"comparison must be one of {tuple(COMPARISONS)}, got {self.comparison!r}")
        if not 0 < self.map_weight < math.inf:
            raise ValueError(f"map_weight must be positive and finite, got {self.map_weight}")
        for name in ("pixel_rms", "pixel_mse"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a finite weight, at least 0, got {getattr(self, name)}")

    def __repr__(self) -> str:
        """As it is written, without the options that are as by default: one that is new changes no other definition."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return f"Definition({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


_PAPER = Definition(maps=(0, 1, 2, 3), activated=True, comparison="squared", whitened=False, padded=False, scaled=True)
_WHITENED = replace(_PAPER, activated=False, comparison="absolute", whitened=True, padded=True)
_STRUCTURE = replace(_WHITENED, comparison="structure", padded=False, pyramid=True)

DEFINITIONS: dict[str, Definition] = {
    "paper": _PAPER,
    "official": replace(_PAPER, maps=(0, 3, 4), scaled=False),
    "whitened": _WHITENED,
    "balanced": replace(_WHITENED, pixel_rms=1.0),
    "structural": replace(_STRUCTURE, pixel_rms=1.0, map_weight=0.2),
    "detailed": replace(_STRUCTURE, pixel_rms=1.0, map_weight=0.01),
    "faithful": replace(_STRUCTURE, pixel_mse=11.7, map_weight=0.02),
}
"""`paper`: Eq. 2, every LeakyReLU output, as a mean instead of a sum. `official`: the authors' released code:
first block, last block and tail. `whitened` and `balanced`: ours, on banks that `mdfloss fit` has conditioned; the
second adds the root mean square of the pixels, which under the task's distortion weighs as much as all maps together
and a little more: the maps are measured in L1's units, and 1.25 is what the root mean square is to them for Gaussian
errors. `structural` compares the structure of the whitened maps, each discriminator's in its resolution, beside the
same pixels; `detailed` does so with a twentieth of the weight, and `faithful` with a tenth, beside the pixels' squared
error. Their weights were chosen by trainings (docs/tried.md)."""


def resolve_definition(definition: str | Definition | None, bank: DiscriminatorBank) -> Definition:
    """The definition that is meant, checked against the bank.

    Args:
        definition: A name in `DEFINITIONS`, an object, or None for the one that the bank's card asks for: if none, it
            is "detailed" where the bank carries whitening matrices, "balanced" where it does and its card does not say
            the ratio of its scales, and "paper" elsewhere.
        bank: The discriminators it shall be used with.

    Raises:
        ValueError: An unknown name, a whitened definition for a bank without matrices, or one that needs the ratio of
            the scales for a bank whose card does not say it.
    """
    if definition is None:
        definition = bank.card.definition or _default(bank)
    if isinstance(definition, str):
        if definition not in DEFINITIONS:
            raise ValueError(f"definition must be one of {tuple(DEFINITIONS)}, got {definition!r}")
        definition = DEFINITIONS[definition]
    if definition.whitened and not bank.is_conditioned:
        raise ValueError(
            "the definition is whitened, and the bank carries no whitening matrices: "
            "condition it with `mdfloss condition`, or use definition='paper'"
        )
    if definition.pyramid and bank.reductions is None:
        raise ValueError(
            "the definition shows each discriminator the picture in its own resolution, and the bank's card does not "
            "say the ratio of its scales (rho): use definition='balanced' or 'paper'"
        )
    return definition


def _default(bank: DiscriminatorBank) -> str:
    """The name of the definition of a bank whose card asks for none."""
    if not bank.is_conditioned:
        return "paper"
    return "balanced" if bank.reductions is None else "detailed"
