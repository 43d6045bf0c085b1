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

from .bank import NEGATIVE_SLOPE, Discriminator, DiscriminatorBank
from .comparison import COMPARISONS
from .definitions import Definition, resolve_definition
from .engine import computing_dtype, feature_distances
from .folds import Folds
from .pretrained import load_bank
from .views import seen_image, seen_scales, views

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
        definition: A name in `DEFINITIONS`, or a `Definition`; the bank's own by default, as for `MDFLoss`.
        data_range: Value of white.
        reduction: Over the batch: "mean", "sum", or "none" for (N,).

    Returns:
        A float32 scalar, or (N,).

    Raises:
        ValueError: A tensor breaks the contract of `check_images`, is under 11 px a side, or an option is unknown.
    """
    _check_reduction(reduction)
    definition = resolve_definition(definition, bank)
    maps = _map_distances(pred, target, bank, definition, data_range).sum(dim=(0, 1))
    return _reduced(_pixel_term(pred, target, definition, data_range) + maps, reduction)


class MDFLoss(nn.Module):
    """The MDF loss with frozen discriminators, for any training loop.

    It stays in eval mode whatever `.train()` its parent gets, none of its weights asks for a gradient, and the
    target's features are computed without a graph.

    Args:
        bank: Name of a shipped bank, path of a bank file (the authors' files too), or a bank, which is copied.
        definition: A name in `DEFINITIONS`, or a `Definition`; by default what the bank's card asks for, or
            else "detailed" for a conditioned bank ("balanced" if its card does not say the ratio of its scales) and
            "paper" for any other.
        data_range: Value of white in both inputs.
        reduction: Over the batch: "mean", "sum", or "none" for (N,).
        scales: Indices of the scales to use, 0 = coarsest, in the authors' order; all by default.
        scales_per_step: Draw so many of the K scales anew for every call whose gradient is wanted, coarse and fine
            ones evenly spaced, and multiply by K / scales_per_step: the same loss and gradient on average, at that
            part of the cost. Calls without a gradient (validation), `per_scale`, and compiled ones use all scales. A
            number, or a name in `SPEEDS`. Not with a definition whose scales are a pyramid: it costs less than two.
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
        self.scales_per_step = _scales_per_step(scales_per_step, self.definition, len(self.bank))
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
        pixels = _pixel_term(pred, target, self.definition, self.data_range)
        return _reduced(pixels + self._streamed(pred, target), self.reduction)

    def _streamed(self, pred: Tensor, target: Tensor) -> Tensor:
        """The distances of the maps, (N,)."""
        definition, dtype, count, total = self.definition, computing_dtype(pred), 0, torch.zeros((), device=pred.device)
        scales = self.draw() if torch.is_grad_enabled() and pred.requires_grad else None
        for view in views(pred, target, self.bank, definition, data_range=self.data_range, scales=scales):
            some = [self.bank[scale] for scale in view.scales]
            total = total + feature_distances(view.pred, view.target, some, definition, dtype=dtype, folds=self._folds)
            count += len(some)
        return total * (definition.map_weight * len(self.bank) / count)

    def draw(self) -> tuple[int, ...] | None:
        """Draw the scales of a step, evenly spaced from a random one; on the CPU, so that no device waits for it.

        Returns:
            Their indices in the bank; None for all, where `scales_per_step` is None.
        """
        count, drawn = len(self.bank), self.scales_per_step
        if drawn is None:
            return None
        start = int(torch.randint(count, (), generator=self._random))
        return tuple(sorted((start + index * count // drawn) % count for index in range(drawn)))

    def reseed(self, seed: int) -> None:
        """Begin the draw of scales anew; a training does so in each step, so that a resumed run draws the same."""
        self._random.manual_seed(seed)

    def per_scale(self, pred: Tensor, target: Tensor) -> Tensor:
        """Contributions of the maps, (scales, maps), each the mean over the batch; the pixels' is not among them."""
        found = _map_distances(pred, target, self.bank, self.definition, self.data_range).mean(dim=2)
        total = found.new_zeros(len(self.bank), len(self.definition.maps))
        seen = torch.tensor(seen_scales(pred, self.bank, self.definition), device=pred.device)
        return total.index_add(0, seen, found)

    def maps(self, image: Tensor, scale_index: int) -> list[Tensor]:
        """The maps φ of one scale, whitened where the definition whitens; the loss adds up their distances.

        Args:
            image: (N, C, H, W) in [0, data_range], at least 11 px a side.
            scale_index: 0 ≤ index < number of scales, 0 = coarsest.
        """
        shown = seen_image(image, self.bank, self.definition, scale_index, data_range=self.data_range)
        return _maps(self.bank[scale_index], shown, self.definition)

    def extra_repr(self) -> str:
        """The options, in `print(loss)`."""
        options = f"definition={self.definition}, data_range={self.data_range}, reduction={self.reduction!r}"
        return options if self.scales_per_step is None else f"{options}, scales_per_step={self.scales_per_step}"


def _map_distances(
    pred: Tensor, target: Tensor, bank: DiscriminatorBank, definition: Definition, data_range: float
) -> Tensor:
    """What every map of the scales that are seen contributes, (scales, maps, N) in float32."""
    compare, scales = COMPARISONS[definition.comparison], []
    for view in views(pred, target, bank, definition, data_range=data_range):
        for scale in view.scales:
            with torch.no_grad():
                wanted = _maps(bank[scale], view.target, definition)
            found = _maps(bank[scale], view.pred, definition)
            scales.append(torch.stack([compare(a, b) for a, b in zip(found, wanted, strict=True)]))
    return torch.stack(scales) * (definition.map_weight * len(bank) / len(scales))


def _maps(discriminator: Discriminator, image: Tensor, definition: Definition) -> list[Tensor]:
    """The maps φ_l of one discriminator, each (N, C, H', W') in float32, also under autocast, or float64."""
    blocks, matrices = len(discriminator.blocks), discriminator.whitening
    responses = discriminator.responses(image.to(discriminator.tail.weight.dtype))
    found = []
    for index in definition.maps:
        response = responses[index]
        if definition.activated and index < blocks:
            response = nn.functional.leaky_relu(response, NEGATIVE_SLOPE)
        response = response.to(torch.promote_types(response.dtype, torch.float32))
        if definition.whitened and matrices is not None:
            with torch.autocast(response.device.type, enabled=False):
                response = nn.functional.conv2d(response, matrices[index, :, :, None, None].to(response.dtype))
        found.append(response)
    return found


def _pixel_term(pred: Tensor, target: Tensor, definition: Definition, data_range: float) -> Tensor:
    """The definition's share of the pixels' differences, (N,) in float32; equal images have gradient 0."""
    wide = torch.promote_types(pred.dtype, torch.float32)
    total = pred.new_zeros(len(pred), dtype=wide)
    if definition.pixel_rms or definition.pixel_mse:
        difference = (pred.to(wide) - target.detach().to(wide)) / data_range
        if definition.pixel_rms:
            norm = torch.linalg.vector_norm(difference, dim=(1, 2, 3))
            total = total + norm * (definition.pixel_rms / math.sqrt(pred[0].numel()))
        if definition.pixel_mse:
            total = total + definition.pixel_mse * difference.square().mean(dim=(1, 2, 3))
    return total


def _scales_per_step(wanted: int | str | None, definition: Definition, num_scales: int) -> int | None:
    """How many scales to draw; a named number that the bank lacks, or more than a pyramid costs, means all of them."""
    if isinstance(wanted, str):
        if wanted not in SPEEDS:
            raise ValueError(f"scales_per_step must be a number or one of {tuple(SPEEDS)}, got {wanted!r}")
        return None if definition.pyramid else min(SPEEDS[wanted], num_scales)
    if wanted is not None and definition.pyramid:
        raise ValueError(
            "a pyramid's scales are not drawn, they cost as much as two together: leave out scales_per_step, "
            "or use definition='balanced'"
        )
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
