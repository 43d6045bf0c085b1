"""How well a loss is conditioned: eigenvalues of its expected curvature on image patches.

The operator is the Hessian of the loss expected under small residual errors, white noise n of standard deviation σ:

    H = ∇²_e E_n[L(x + σ·n + e, x)]  at e = 0

It is what an optimiser meets whose remaining errors are small and noise-like, and it exists for every loss. For a
squared distance of features, L = Σ mean (φ(pred) - φ(x))², it is the Gauss-Newton matrix 2·JᵀJ / size with the
Jacobian J of φ. For an absolute one, whose own Hessian is zero wherever it exists,

    ∂²/∂e² E|s·n + j·e| = j² √(2/π) / s,   so   H = Jᵀ diag(√(2/π) / (size · s)) J

with the standard deviation s of each feature's difference under the noise. Eigenvalues of H restricted to the
pixels of a block inside the patch lie between those of the whole image, so that the condition number here is a lower
bound of the image's. Borders are kept out of it; `border_profile` measures them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .gain import LossFunction
from .probes import COLOURS, stratified_noise

__all__ = ["RESOLUTION", "Curvature", "FeatureForm", "Term", "curvature", "eigenvalues"]

RESOLUTION = 1e-6
"""Smallest eigenvalue that is told from zero, as a part of the largest: what single precision resolves."""

CHUNK = 20
"""Directions computed together."""


@dataclass(frozen=True)
class FeatureForm:
    """A loss as a distance of features: Σ over groups and maps of mean |φ(pred) - φ(target)|ᵖ.

    Args:
        groups: Functions (N, 3, H, W) → maps (N, …); one group's Jacobian is held in memory at a time.
        absolute: p = 1 rather than 2.
    """

    groups: Sequence[Callable[[Tensor], Sequence[Tensor]]]
    absolute: bool

    def value(self, pred: Tensor, target: Tensor) -> float:
        """The loss that the form describes, for one image."""
        total = 0.0
        for group in self.groups:
            for found, wanted in zip(group(pred), group(target), strict=True):
                difference = (found - wanted).double()
                total += float((difference.abs() if self.absolute else difference.square()).mean())
        return total


@dataclass(frozen=True)
class Term:
    """One loss of a weighted sum.

    Args:
        loss: (pred, target) → mean over the batch.
        weight: Its weight.
        form: The same loss as a distance of features, where it is one; without it, curvature comes from differences
            of gradients.
    """

    loss: LossFunction
    weight: float = 1.0
    form: FeatureForm | None = None


def curvature(
    terms: Sequence[Term], patch: Tensor, *, block: int, sigma: float, draws: int, generator: torch.Generator
) -> Tensor:
    """The expected Hessian of a weighted sum of losses, restricted to the pixels of a block in the patch's middle.

    Args:
        terms: The losses.
        patch: (1, 3, side, side) in [0, 1].
        block: Side of the block, px.
        sigma: Standard deviation of the residual error, as a part of white.
        draws: Draws of it.
        generator: Source of randomness.

    Returns:
        (D, D) float64 with D = 3·block², symmetric.

    Raises:
        ValueError: A feature form does not give the value of its loss.
    """
    noise = sigma * stratified_noise(draws, patch.shape[1:], generator=generator)
    total = torch.zeros(3 * block**2, 3 * block**2, dtype=torch.float64)
    for term in terms:
        if term.form is None:
            total += term.weight * _by_differences(term.loss, patch, noise, block, sigma)
        else:
            _check(term.loss, term.form, patch, noise[:1])
            total += term.weight * _by_features(term.form, patch, noise, block, sigma)
    return total


@torch.no_grad()
def _check(loss: LossFunction, form: FeatureForm, patch: Tensor, error: Tensor) -> None:
    wanted, found = float(loss(patch + error, patch)), form.value(patch + error, patch)
    if abs(found - wanted) > 1e-2 * abs(wanted):
        raise ValueError(f"the feature form gives {found:.6g} where its loss gives {wanted:.6g}: it is another loss")


def _columns(block: int, side: int) -> Tensor:
    """(D, 3, side, side): the unit perturbations of a block in the middle."""
    margin = (side - block) // 2
    unit = torch.eye(3 * block**2).view(-1, 3, block, block)
    return torch.nn.functional.pad(unit, [margin, side - block - margin] * 2)


def _by_differences(loss: LossFunction, patch: Tensor, noise: Tensor, block: int, sigma: float) -> Tensor:
    """H from differences of the gradient between both sides of the block's perturbations, averaged over the noise."""
    columns, step = _columns(block, patch.shape[-1]), sigma / 2
    inside = columns.sum(dim=0) > 0
    found = []
    for chunk in torch.split(columns, 4 * CHUNK):
        target = patch.expand(2 * len(chunk), -1, -1, -1)
        steps = torch.cat([step * chunk, -step * chunk])
        total = torch.zeros(len(chunk), len(columns), dtype=torch.float64)
        for error in noise:
            pred = (target + error + steps).requires_grad_()
            (gradient,) = torch.autograd.grad(loss(pred, target), pred)
            ahead, behind = gradient[:, inside].double().chunk(2)
            total += (ahead - behind) * (len(target) / (2 * step))
        found.append(total / len(noise))
    matrix = torch.cat(found)
    return (matrix + matrix.T) / 2


@torch.no_grad()
def _by_features(form: FeatureForm, patch: Tensor, noise: Tensor, block: int, sigma: float) -> Tensor:
    """H from the Jacobian of the features at the clean patch, by central differences."""
    columns, step = _columns(block, patch.shape[-1]), sigma / 4
    total = torch.zeros(len(columns), len(columns), dtype=torch.float64)
    inside = columns.sum(dim=0, keepdim=True)
    for group in form.groups:
        ahead = group(patch + noise[:1] * inside)
        reached = [(one != rest).flatten() for one, rest in zip(ahead, group(patch), strict=True)]
        rows: list[list[Tensor]] = [[] for _ in reached]
        for chunk in torch.split(columns, CHUNK):
            both = [group(patch + sign * step * chunk) for sign in (1, -1)]
            for index, (ahead_map, behind_map) in enumerate(zip(*both, strict=True)):
                change = (ahead_map - behind_map).flatten(1)[:, reached[index]]
                rows[index].append(change / (2 * step))
        for parts, mask, weight in zip(rows, reached, _weights(form, group, patch, noise), strict=True):
            jacobian = torch.cat(parts) * (weight[mask] if form.absolute else weight).sqrt()
            total += (jacobian @ jacobian.T).double()
    return total


def _weights(
    form: FeatureForm, group: Callable[[Tensor], Sequence[Tensor]], patch: Tensor, noise: Tensor
) -> list[Tensor]:
    """Curvature of the norm at each feature, (features,), or (1,) where all are equal."""
    clean = group(patch)
    if not form.absolute:
        return [torch.tensor([2 / one.numel()]) for one in clean]
    energies = [torch.zeros_like(one) for one in clean]
    for error in noise:
        for energy, found, wanted in zip(energies, group(patch + error), clean, strict=True):
            energy += (found - wanted).square() / len(noise)
    scale = math.sqrt(2 / math.pi)
    return [torch.where(energy > 0, scale / (energy.numel() * energy.sqrt()), 0).flatten() for energy in energies]


@dataclass(frozen=True)
class Curvature:
    """Eigenvalues of the expected Hessian on patches.

    Args:
        eigenvalues: (patches, D), ascending; relative to their mean over all patches.
        colour: (colours,) in the order of `COLOURS`: root of the mean curvature along each, relative to luma's.
    """

    eigenvalues: NDArray[np.float64]
    colour: NDArray[np.float64]

    @property
    def condition(self) -> float:
        """Largest over smallest eigenvalue, the median of the patches'; 1 / RESOLUTION means that or more."""
        largest = self.eigenvalues[:, -1]
        return float(np.median(largest / np.maximum(self.eigenvalues[:, 0], RESOLUTION * largest)))

    @property
    def spread(self) -> float:
        """95th over 5th percentile of the eigenvalues of all patches together; 1 / RESOLUTION means that or more."""
        low, high = np.percentile(self.eigenvalues, [5, 95])
        return float(high / max(low, RESOLUTION * high))


def eigenvalues(
    terms: Sequence[Term], patches: Tensor, *, block: int, sigma: float, draws: int, generator: torch.Generator
) -> Curvature:
    """Eigenvalues of `curvature` on several patches.

    Args:
        terms: The losses.
        patches: (N, 3, side, side) in [0, 1]; side - block ≥ 22 px keeps windows of 11 px whole.
        block: Side of the block whose pixels are perturbed, px.
        sigma: Standard deviation of the residual error, as a part of white.
        draws: Draws of it.
        generator: Source of randomness.

    Raises:
        ValueError: A feature form does not give the value of its loss, or the loss has no curvature.
    """
    values, colours = [], []
    axes = torch.tensor(list(COLOURS.values()), dtype=torch.float64)
    for patch in torch.split(patches, 1):
        matrix = curvature(terms, patch, block=block, sigma=sigma, draws=draws, generator=generator)
        values.append(torch.linalg.eigvalsh(matrix).numpy())
        by_channel = torch.einsum("apbp->ab", matrix.view(3, block**2, 3, block**2))
        colours.append(torch.einsum("ca,ab,cb->c", axes, by_channel, axes).clamp_min(0).numpy())
    found, colour = np.stack(values), np.sqrt(np.stack(colours).mean(axis=0))
    if not found.mean() > 0 or not colour[0] > 0:
        raise ValueError("the loss has no curvature on these patches: it does not answer to small errors")
    return Curvature(found / found.mean(), colour / colour[0])
