"""What a bank file says of itself: one JSON text in its header."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FORMAT_VERSION", "BankCard", "BankFileError"]

FORMAT_VERSION = 1


class BankFileError(ValueError):
    """A bank file is damaged, of another kind, or of a newer format."""


@dataclass(frozen=True)
class BankCard:
    """What a bank file says of itself.

    Args:
        task: Name of the task, for example "denoise".
        distortion: `class_path` and `init_args` of the distortion it was fitted against; empty if unknown.
        widths: Channels of each discriminator, coarsest first; their number is K.
        input_range: Values that black and white had when the discriminators were trained.
        rho: Ratio between neighbouring scales; None if unknown.
        seed_sha256: Hashes of the seed images' pixels.
        iterations: Iterations of each scale.
        fit: Every option of the fit; empty if unknown.
        definition: How the loss reads it unless told otherwise, a name in `DEFINITIONS`; empty for the usual one.
        licence: Terms of the weights, as an SPDX expression.
        source: Where the weights come from.
        library_version: Version of mdfloss that wrote the file.
        format_version: Version of the file format.
    """

    task: str
    widths: tuple[int, ...]
    distortion: Mapping[str, Any] = field(default_factory=dict)
    input_range: tuple[float, float] = (-1.0, 1.0)
    rho: float | None = None
    seed_sha256: tuple[str, ...] = ()
    iterations: int | None = None
    fit: Mapping[str, Any] = field(default_factory=dict)
    definition: str = ""
    licence: str = "unknown"
    source: str = ""
    library_version: str = ""
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if not self.widths or not all(isinstance(width, int) and width > 0 for width in self.widths):
            raise ValueError(f"widths must be positive, one for each scale, got {self.widths}")
        black, white = self.input_range
        if not -math.inf < black < white < math.inf:
            raise ValueError(f"input_range must ascend, got {self.input_range}")
        if self.rho is not None and not 1 < self.rho < math.inf:
            raise ValueError(f"rho must be a finite ratio above 1, got {self.rho}")

    @property
    def num_scales(self) -> int:
        """K, the number of discriminators."""
        return len(self.widths)

    def to_json(self) -> str:
        """The card as JSON text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BankCard:
        """Read a card.

        Raises:
            BankFileError: Not a card, or one of a newer format.
        """
        try:
            values = json.loads(text)
            version = values["format_version"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise BankFileError(f"the card in the header cannot be read: {error}") from error
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise BankFileError(
                f"the bank has format version {version}, this mdfloss reads up to {FORMAT_VERSION}: upgrade mdfloss"
            )
        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - known):
            raise BankFileError(f"the card has unknown entries {unknown}")
        try:
            for name in ("widths", "input_range", "seed_sha256"):
                values[name] = tuple(values[name])
            return cls(**values)
        except (ValueError, TypeError, KeyError) as error:
            raise BankFileError(f"the card in the header is not valid: {error}") from error
