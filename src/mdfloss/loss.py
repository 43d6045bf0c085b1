"""The MDF loss: a distance between the feature maps of K frozen discriminators (paper, Eq. 2).

    L(pred, target) = Σ_k Σ_l mean |φ_l^k(target) - φ_l^k(pred)|^p

over the scales k of a bank and the maps l that a definition chooses, plus, where it says so, the root of the mean
squared difference of the pixels. `DEFINITIONS` says what exactly.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from .bank import NEGATIVE_SLOPE, RECEPTIVE_FIELD, Discriminator, DiscriminatorBank
from .definitions import Definition, resolve_definition
from .engine import computing_dtype, feature_distances
from .folds import Folds
from .images import check_images
from .input_range import PADDING, to_input_range
from .pretrained import load_bank

__all__ = ["REDUCTIONS", "SPEEDS", "MDFLoss", "mdf_loss"]

Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = ("mean", "sum", "none")

SPEEDS = {"fast": 2, "fastest": 1}
"""Name → scales drawn in each step. Their cost and what it does to trainings is measured in docs/speed.md."""


def mdf_loss(
    pred: Tensor,
    target: Tensor,
    bank: DiscriminatorBank,
    *,
    definition: str | Definition | None = None,
    data_range: float = 1.0,
    reduction: Reduction = "mean",
) -> Tensor:
    """Distance of a prediction from its target in the feature space of a bank.

    Args:
        pred: (N, C, H, W), C = 3 or 1; may leave [0, data_range].
        target: Same shape, within [0, data_range].
        bank: In eval mode; all of its scales are used.
        definition: As for `MDFLoss`: a name in `DEFINITIONS`, or a `Definition`; by default "balanced" for a
            conditioned bank and "paper" for any other.
        data_range: Value of white.
        reduction: Over the batch: "mean", "sum", or "none" for (N,).

    Returns:
        A float32 scalar, or (N,).

    Raises:
        ValueError: A tensor breaks the contract of `check_images`, is under 11 px a side, or an option is unknown.
    """
    _check_reduction(reduction)
    definition = resolve_definition(definition, bank)
    distances = _terms(pred, target, bank, definition, data_range).sum(dim=(0, 1))
    return _reduced(distances + _pixel_term(pred, target, definition, data_range), reduction)


class MDFLoss(nn.Module):
    """The MDF loss with frozen discriminators, for any training loop.

    It stays in eval mode whatever `.train()` its parent gets, none of its weights asks for a gradient, and the
    target's features are computed without a graph.

    Args:
        bank: Name of a shipped bank, path of a bank file (the authors' files too), or a bank, which is copied.
        definition: A name in `DEFINITIONS`, or a `Definition`; by default "balanced" for a conditioned bank and
            "paper" for any other.
        data_range: Value of white in both inputs.
        reduction: Over the batch: "mean", "sum", or "none" for (N,).
        scales: Indices of the scales to use, 0 = coarsest, in the authors' order; all by default.
        scales_per_step: Draw so many of the K scales anew for every call whose gradient is wanted, coarse and fine
            ones evenly spaced, and multiply by K / scales_per_step: the same loss and gradient on average, at that
            part of the cost. Calls without a gradient (validation), `per_scale`, and compiled ones use all scales. A
            number, or a name in `SPEEDS`.
        seed: Decides what is drawn.

    Shape:
        pred, target: (N, C, H, W), C = 3 or 1, at least 11 px a side. Result: scalar, or (N,).

    Raises:
        ValueError: An unknown name or option, scales that the bank lacks, "whitened" for an unconditioned bank.
        FileNotFoundError: No bank at the path.

    Source:
        Mustafa et al., "Training a Task-Specific Image Reconstruction Loss", section 3.2.
    """

    def __init__(
        self,
        bank: str | os.PathLike[str] | DiscriminatorBank,
        *,
        definition: str | Definition | None = None,
        data_range: float = 1.0,
        reduction: Reduction = "mean",
        scales: Iterable[int] | None = None,
        scales_per_step: int | str | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        _check_reduction(reduction)
        if not 0 < data_range < math.inf:
            raise ValueError(f"data_range is the value of white, positive and finite, got {data_range}")
        bank = copy.deepcopy(bank) if isinstance(bank, DiscriminatorBank) else load_bank(bank)
        self.bank = bank if scales is None else bank.subset(tuple(scales))
        self.bank.requires_grad_(False).eval()
        self.definition = resolve_definition(definition, self.bank)
        self.data_range = data_range
        self.reduction: Reduction = reduction
        self.scales_per_step = _scales_per_step(scales_per_step, len(self.bank))
        self._random = torch.Generator().manual_seed(seed)
        self._folds = Folds()

    def train(self, mode: bool = True) -> MDFLoss:  # noqa: ARG002
        """Stay in eval mode: a loss whose statistics drift is another loss at every step."""
        return super().train(False)

    def forward(self, pred: Tensor, target: Tensor) -> Tensor:
        """The value of `mdf_loss`, computed by the engine; differentiable once."""
        if torch.compiler.is_compiling():  # a compiler fuses the plain form, and cannot look into the engine
            return mdf_loss(
                pred,
                target,
                self.bank,
                definition=self.definition,
                data_range=self.data_range,
                reduction=self.reduction,
            )
        pair = _prepared(pred, target, self.bank, self.definition, self.data_range)
        bank = self._drawn() if torch.is_grad_enabled() and pred.requires_grad else self.bank
        dtype = computing_dtype(pred)
        distances = feature_distances(*pair, bank, self.definition, dtype=dtype, folds=self._folds)
        distances = distances * (len(self.bank) / len(bank))
        return _reduced(distances + _pixel_term(pred, target, self.definition, self.data_range), self.reduction)

    def _drawn(self) -> DiscriminatorBank:
        """The scales of this step."""
        return self.bank if self.scales_per_step is None else self.bank.subset(self.draw())

    def draw(self) -> tuple[int, ...]:
        """Draw the scales of a step, evenly spaced from a random one; on the CPU, so that no device waits for it.

        Returns:
            Their indices in the bank; all of them where `scales_per_step` is None.
        """
        count, drawn = len(self.bank), self.scales_per_step
        if drawn is None:
            return tuple(range(count))
        start = int(torch.randint(count, (), generator=self._random))
        return tuple(sorted((start + index * count // drawn) % count for index in range(drawn)))

    def reseed(self, seed: int) -> None:
        """Begin the draw of scales anew; a training does so in each step, so that a resumed run draws the same."""
        self._random.manual_seed(seed)

    def per_scale(self, pred: Tensor, target: Tensor) -> Tensor:
        """Contributions of the maps, (scales, maps), each the mean over the batch; the pixels' is not among them."""
        return _terms(pred, target, self.bank, self.definition, self.data_range).mean(dim=2)

    def maps(self, image: Tensor, scale_index: int) -> list[Tensor]:
        """The maps φ of one scale, whitened where the definition whitens; the loss adds up their mean differences.

        Args:
            image: (N, C, H, W) in [0, data_range], at least 11 px a side.
            scale_index: 0 ≤ index < number of scales, 0 = coarsest.
        """
        discriminator = self.bank[scale_index]
        prepared = _prepare(image, self.bank, self.definition, self.data_range)
        found = _features(discriminator, prepared, self.definition)
        return _whitened(found, discriminator, self.definition) if self.definition.whitened else found

    def extra_repr(self) -> str:
        """The options, in `print(loss)`."""
        options = f"definition={self.definition}, data_range={self.data_range}, reduction={self.reduction!r}"
        return options if self.scales_per_step is None else f"{options}, scales_per_step={self.scales_per_step}"


def _terms(pred: Tensor, target: Tensor, bank: DiscriminatorBank, definition: Definition, data_range: float) -> Tensor:
    """Every map's mean difference, (scales, maps, N) in float32."""
    pred, target = _prepared(pred, target, bank, definition, data_range)
    scales = []
    for discriminator in bank:
        with torch.no_grad():
            wanted = _features(discriminator, target, definition)
        found = _features(discriminator, pred, definition)
        differences = [a.float() - b.float() for a, b in zip(found, wanted, strict=True)]
        if definition.whitened:
            differences = _whitened(differences, discriminator, definition)
        scales.append(torch.stack([_magnitude(d, definition) for d in differences]))
    return torch.stack(scales)


def _prepared(
    pred: Tensor, target: Tensor, bank: DiscriminatorBank, definition: Definition, data_range: float
) -> tuple[Tensor, Tensor]:
    """Both images, checked, as the discriminators want them; the target without a graph."""
    check_images(pred, target, data_range=data_range, min_size=RECEPTIVE_FIELD)
    return (
        _prepare(pred, bank, definition, data_range),
        _prepare(target.detach(), bank, definition, data_range),
    )


def _prepare(image: Tensor, bank: DiscriminatorBank, definition: Definition, data_range: float) -> Tensor:
    """(N, C, H, W) as the discriminators want it: three channels, their range, mirrored borders."""
    image = image.to(torch.promote_types(image.dtype, torch.float32)).expand(-1, 3, -1, -1) / data_range
    if definition.scaled:
        image = to_input_range(image, bank.card.input_range)
    return nn.functional.pad(image, [PADDING] * 4, mode="reflect") if definition.padded else image


def _features(discriminator: Discriminator, image: Tensor, definition: Definition) -> list[Tensor]:
    """The maps φ_l of one discriminator, each (N, C, H', W')."""
    blocks = len(discriminator.blocks)
    responses = discriminator.responses(image.to(discriminator.tail.weight.dtype))
    return [
        nn.functional.leaky_relu(responses[index], NEGATIVE_SLOPE)
        if definition.activated and index < blocks
        else responses[index]
        for index in definition.maps
    ]


def _whitened(differences: list[Tensor], discriminator: Discriminator, definition: Definition) -> list[Tensor]:
    """The differences times their whitening matrices, in float32 also under autocast."""
    matrices = discriminator.whitening
    if matrices is None:
        return differences
    with torch.autocast(differences[0].device.type, enabled=False):
        return [
            nn.functional.conv2d(difference, matrices[index, :, :, None, None])
            for difference, index in zip(differences, definition.maps, strict=True)
        ]


def _magnitude(difference: Tensor, definition: Definition) -> Tensor:
    """Mean over C, H, W of the absolute or squared difference, (N,)."""
    return (difference.abs() if definition.absolute else difference.square()).mean(dim=(1, 2, 3))


def _pixel_term(pred: Tensor, target: Tensor, definition: Definition, data_range: float) -> Tensor | float:
    """The definition's share of the root mean squared difference, (N,) in float32; equal images have gradient 0."""
    if not definition.pixel_rms:
        return 0.0
    wide = torch.promote_types(pred.dtype, torch.float32)
    norm: Tensor = torch.linalg.vector_norm(pred.to(wide) - target.detach().to(wide), dim=(1, 2, 3))
    return norm * (definition.pixel_rms / (data_range * math.sqrt(pred[0].numel())))


def _scales_per_step(wanted: int | str | None, num_scales: int) -> int | None:
    """How many scales to draw; a named number that the bank lacks means all of them."""
    if isinstance(wanted, str):
        if wanted not in SPEEDS:
            raise ValueError(f"scales_per_step must be a number or one of {tuple(SPEEDS)}, got {wanted!r}")
        return min(SPEEDS[wanted], num_scales)
    if wanted is not None and not 1 <= wanted <= num_scales:
        raise ValueError(f"scales_per_step must be within 1..{num_scales}, got {wanted}")
    return wanted


def _check_reduction(reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction must be one of {REDUCTIONS}, got {reduction!r}")


def _reduced(distances: Tensor, reduction: Reduction) -> Tensor:
    """(N,) to what was asked for."""
    if reduction == "none":
        return distances
    return distances.mean() if reduction == "mean" else distances.sum()
