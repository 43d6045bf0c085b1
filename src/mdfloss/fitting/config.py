"""What a fit is made with: minutes as `quick`, a quarter of an hour as `full`, and the paper's hours as `paper`."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["CHROMA", "PRESETS", "FitConfig"]

_CPU = {"width": 16, "max_width": 16, "batch_size": 1}

PRESETS: dict[str, dict[str, Any]] = {
    "quick": {"iterations": 200, "critic_steps": 1, "generator_steps": 1, **_CPU},
    "full": {"iterations": 1000, **_CPU},
    "paper": {},
}
"""What a preset changes of the fields' defaults, which are the paper's."""

CHROMA = 0.62
"""How strongly a fitted bank answers to noise along each axis of colour, luma being 1. Left to itself a fit to noise
hardly sees one of them (docs/fit.md, Colour)."""

SCALES_PER_WIDTH = 4
RESIDUALS = ("previous", "distorted")


@dataclass(frozen=True)
class FitConfig:
    """Options of a fit; the defaults are the paper's (section 3.1), on crops.

    Args:
        num_scales: K, the number of scales and discriminators.
        rho: Ratio between neighbouring scales; None to choose it from the seed's short side.
        iterations: Iterations of each scale.
        critic_steps: Steps of the critic in an iteration.
        generator_steps: Steps of the generator in an iteration.
        width: Channels of the four coarsest scales; doubled every four scales.
        max_width: Most channels of any scale.
        crop_size: Side of the crops of a level, in pixels; at least 11. A smaller level is taken whole.
        batch_size: Crops in an iteration, all from one seed.
        alpha: Weight of the reconstruction.
        random_seed: Start of the random numbers.
        residual: What a generator adds its output to: "previous", the upsampled output of the scale before as in
            SinGAN; or "distorted", that with the distortion, the generator's own input.
    """

    num_scales: int = 8
    rho: float | None = None
    iterations: int = 3000
    critic_steps: int = 3
    generator_steps: int = 3
    width: int = 32
    max_width: int = 128
    crop_size: int = 64
    batch_size: int = 4
    alpha: float = 100.0
    random_seed: int = 0
    residual: Literal["previous", "distorted"] = "previous"

    def __post_init__(self) -> None:
        counts = ("num_scales", "iterations", "critic_steps", "generator_steps", "width", "max_width")
        for name in (*counts, "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.crop_size < 11:
            raise ValueError(f"crop_size must be at least 11, what a discriminator sees, got {self.crop_size}")
        if self.rho is not None and not (math.isfinite(self.rho) and self.rho > 1):
            raise ValueError(f"rho must be above 1, got {self.rho}")
        if self.residual not in RESIDUALS:
            raise ValueError(f"residual must be one of {RESIDUALS}, got {self.residual!r}")
        if not (math.isfinite(self.alpha) and self.alpha >= 0):
            raise ValueError(f"alpha must be finite and not negative, got {self.alpha}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every scale, coarsest first."""
        return tuple(
            int(min(self.width * 2 ** (k // SCALES_PER_WIDTH), self.max_width)) for k in range(self.num_scales)
        )

    @classmethod
    def preset(cls, name: str, **changes: Any) -> FitConfig:
        """A named recipe with changes.

        Args:
            name: "quick", minutes on a CPU: 200 iterations of 1 + 1 steps, one crop at a time, 16 channels; "full", the
                same with 1,000 iterations of 3 + 3 steps; or "paper", hours on a GPU.
            **changes: Fields to set otherwise; a `width` above the preset's `max_width` raises that too.

        Raises:
            ValueError: No such preset.
        """
        if name not in PRESETS:
            raise ValueError(f"preset must be one of {tuple(PRESETS)}, got {name!r}")
        recipe = cls(**PRESETS[name])
        widest = max(recipe.max_width, changes.get("width", 0))
        return dataclasses.replace(recipe, **{"max_width": widest, **changes})
