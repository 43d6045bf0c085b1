"""Whitening: what makes a bank's feature space a well-conditioned one.

The raw maps of a discriminator weigh some directions of pixel space thousands of times more than others, so a
network trained on their distance leaves errors along the weak ones. Here each block's response is multiplied,
across its channels, by the inverse square root of the covariance C of the response's *change under the
task's own distortion*:

    W = ((1 - s)·C + s·tr(C)/c·I)^(-1/2),   C = E[(φ(distorted) - φ(clean)) (φ(distorted) - φ(clean))ᵀ]

with shrinkage s and c channels. After it every channel changes by as much, and no two alike. One factor for all
matrices then sets the unit: under the task's distortion the absolute differences of all maps add up to the mean
absolute difference of the pixels, so that the loss is measured in L1's units and mixes with L1 without a weight to
tune. The matrices are stored in the bank and used by our definitions, all but "paper" and "official"; the paper has no
such step.

Whitening evens out the channels of a map, not the colours of a picture: what a bank has learnt may hardly see one axis
of colour, and a network that is trained with it leaves noise along that axis. `chroma` sets how strongly the maps
answer to noise along each of the two, by a colour matrix in front of the first convolutions.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .bank import Discriminator, DiscriminatorBank
from .input_range import PADDING, to_input_range

__all__ = ["whiten"]

COLOUR_ROUNDS = 4
"""Steps towards the wanted response to colour, which is not linear; the last changes it by less than 1 %."""

COLOUR_PATCHES = 4
"""Clean patches that the response to colour is measured on."""

COLOUR_NOISE = 10 / 255
"""Standard deviation of the noise that the response to colour is measured with."""


def whiten(
    bank: DiscriminatorBank,
    clean: Tensor,
    distorted: Tensor,
    *,
    shrinkage: float = 0.1,
    chroma: float | None = None,
) -> DiscriminatorBank:
    """Return a copy of the bank that carries whitening matrices.

    Args:
        bank: Discriminators, in any mode; running statistics are used.
        clean: (N, 3, H, W) in [0, 1], patches of clean images.
        distorted: The same patches after the task's distortion, same shape.
        shrinkage: Share s of the isotropic part, 0 < s ≤ 1.
        chroma: How strongly the whitened maps shall answer to white noise along each axis of colour, luma being 1; the
            first convolutions are changed for it. None leaves them as they are.

    Returns:
        A conditioned bank in eval mode.

    Raises:
        ValueError: Shapes differ, the pairs are equal, an option is out of range, or no map responds.
    """
    if clean.shape != distorted.shape or clean.ndim != 4:
        raise ValueError(
            f"clean and distorted must be two (N, 3, H, W) batches of one shape, got {tuple(clean.shape)} "
            f"and {tuple(distorted.shape)}"
        )
    if not 0 < shrinkage <= 1:
        raise ValueError(f"shrinkage must be in (0, 1], got {shrinkage}")
    if torch.equal(clean, distorted):
        raise ValueError("the distorted patches equal the clean ones: there is no change to whiten")
    if chroma is not None and not 0 < chroma < math.inf:
        raise ValueError(f"chroma must be positive and finite, got {chroma}")
    conditioned = _whitened(copy.deepcopy(bank).eval(), clean, distorted, shrinkage)
    if chroma is not None:
        for _ in range(COLOUR_ROUNDS):
            _mix_colours(conditioned, _towards(chroma, _colour_response(conditioned, clean[:COLOUR_PATCHES])))
            conditioned = _whitened(conditioned, clean, distorted, shrinkage)
    return conditioned


def _whitened(conditioned: DiscriminatorBank, clean: Tensor, distorted: Tensor, shrinkage: float) -> DiscriminatorBank:
    """The same bank with new matrices."""
    change = (distorted - clean).abs().mean().item()
    for discriminator, covariance in zip(conditioned, _covariances(conditioned, clean, distorted), strict=True):
        discriminator.whitening = torch.stack([_inverse_root(c, shrinkage) for c in covariance]).to(
            clean.device, torch.float32
        )
    response = _mean_response(conditioned, clean, distorted)
    for discriminator in conditioned:
        discriminator.whitening = _whitening(discriminator) * (change / response)
    return conditioned


@torch.no_grad()
def _colour_response(bank: DiscriminatorBank, clean: Tensor) -> Tensor:
    """(3, 3): the mean product of the whitened changes that the same noise makes in one colour and in another."""
    random = torch.Generator().manual_seed(0)
    noise = COLOUR_NOISE * torch.randn(len(clean), 1, *clean.shape[2:], generator=random).to(clean)
    colours = torch.eye(3, device=clean.device)[:, None, :, None, None]
    response = torch.zeros(3, 3, dtype=torch.float64)
    for images in zip(*(_changes(bank, clean, clean + noise * colour) for colour in colours), strict=True):
        for discriminator, *scale in zip(bank, *images, strict=True):
            for matrix, *changes in zip(_whitening(discriminator).double(), *scale, strict=True):
                whitened = torch.stack([matrix @ change for change in changes]).flatten(1)
                response += (whitened @ whitened.T / whitened.shape[1]).cpu()
    return response


def _towards(chroma: float, response: Tensor) -> Tensor:
    """The colour matrix that would bring both axes of colour to `chroma`, were the maps linear."""
    luma = torch.full((3,), 3**-0.5, dtype=torch.float64)
    in_luma = torch.outer(luma, luma)
    in_chroma = torch.eye(3, dtype=torch.float64) - in_luma
    values, axes = torch.linalg.eigh(in_chroma @ response @ in_chroma)
    gains = (values[1:] / (luma @ response @ luma)).clamp_min(1e-12).sqrt()
    matrix: Tensor = in_luma + (axes[:, 1:] * (chroma / gains)) @ axes[:, 1:].T
    return matrix


@torch.no_grad()
def _mix_colours(bank: DiscriminatorBank, matrix: Tensor) -> None:
    """Let every discriminator see its input's colours through a matrix."""
    for discriminator in bank:
        weight = discriminator.blocks[0].conv.weight
        weight.copy_(torch.einsum("oihw,ij->ojhw", weight, matrix.to(weight)))


@torch.no_grad()
def _changes(bank: DiscriminatorBank, clean: Tensor, distorted: Tensor) -> Iterator[list[list[Tensor]]]:
    """For each image, by scale and block, the change of the response in float64, (C, pixels)."""
    for pair in zip(torch.split(clean, 1), torch.split(distorted, 1), strict=True):
        padded = [
            nn.functional.pad(to_input_range(x, bank.card.input_range), [PADDING] * 4, mode="reflect") for x in pair
        ]
        changes = []
        for discriminator in bank:
            before, after = (discriminator.responses(x)[:-1] for x in padded)
            changes.append([(b - a).flatten(2)[0].double() for a, b in zip(before, after, strict=True)])
        yield changes


def _covariances(bank: DiscriminatorBank, clean: Tensor, distorted: Tensor) -> list[list[Tensor]]:
    """By scale and block the second moment of the response's change, (C, C) in float64 on the CPU."""
    totals = [[torch.zeros(d.width, d.width, dtype=torch.float64) for _ in d.blocks] for d in bank]
    for image in _changes(bank, clean, distorted):
        for scale, total in zip(image, totals, strict=True):
            for index, change in enumerate(scale):
                total[index] += (change @ change.T / change.shape[1]).cpu() / len(clean)
    return totals


def _mean_response(bank: DiscriminatorBank, clean: Tensor, distorted: Tensor) -> float:
    """Mean absolute whitened change, added up over scales and blocks: the loss before its unit is set."""
    total = 0.0
    for image in _changes(bank, clean, distorted):
        for scale, discriminator in zip(image, bank, strict=True):
            for change, matrix in zip(scale, _whitening(discriminator).double(), strict=True):
                total += (matrix @ change).abs().mean().item() / len(clean)
    if total == 0:
        raise ValueError("no map of the bank responds to the distortion: fit it anew")
    return total


def _whitening(discriminator: Discriminator) -> Tensor:
    """The matrices of a conditioned discriminator, (4, C, C)."""
    if discriminator.whitening is None:
        raise ValueError("the discriminator carries no whitening matrices")
    return discriminator.whitening


def _inverse_root(covariance: Tensor, shrinkage: float) -> Tensor:
    """(C, C) float64 → its shrunk inverse square root."""
    width = len(covariance)
    mean_variance = covariance.trace() / width
    if mean_variance <= 0:  # a dead map has nothing to say, and would have no inverse
        return torch.zeros_like(covariance)
    isotropic = mean_variance * torch.eye(width, dtype=covariance.dtype)
    values, vectors = torch.linalg.eigh((1 - shrinkage) * covariance + shrinkage * isotropic)
    root: Tensor = (vectors * values.rsqrt()) @ vectors.T
    return root
