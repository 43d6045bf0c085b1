"""Whitening makes every channel change alike, and no two together."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from mdfloss import MDFLoss
from mdfloss.bank import DiscriminatorBank
from mdfloss.conditioning import whiten
from mdfloss.input_range import PADDING, to_input_range


@pytest.fixture
def patches(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    clean = torch.rand(3, 3, 40, 36, generator=generator)
    return clean, clean + 0.1 * torch.randn(clean.shape, generator=generator)


@pytest.mark.parametrize("block", range(4))
def test_whitened_changes_have_the_same_variance_and_no_covariance(
    tiny_bank: DiscriminatorBank, patches: tuple[Tensor, Tensor], block: int
) -> None:
    bank = whiten(tiny_bank, *patches, shrinkage=1e-9)
    clean, distorted = (
        nn.functional.pad(to_input_range(x, bank.card.input_range), [PADDING] * 4, mode="reflect") for x in patches
    )
    for discriminator in bank:
        assert discriminator.whitening is not None
        change = discriminator.responses(distorted)[block] - discriminator.responses(clean)[block]
        flat = torch.einsum("ij,njhw->inhw", discriminator.whitening[block], change).flatten(1).double()
        covariance = flat @ flat.T / flat.shape[1]
        unit = covariance.trace() / 8
        torch.testing.assert_close(covariance / unit, torch.eye(8, dtype=torch.float64), atol=2e-3, rtol=0)


def test_the_unit_is_that_of_l1_under_the_distortion(
    tiny_bank: DiscriminatorBank, patches: tuple[Tensor, Tensor]
) -> None:
    clean, distorted = patches
    bank = whiten(tiny_bank, clean, distorted)
    pixels = (distorted - clean).abs().mean()
    torch.testing.assert_close(MDFLoss(bank, definition="whitened")(distorted, clean), pixels)


def test_full_shrinkage_only_scales(tiny_bank: DiscriminatorBank, patches: tuple[Tensor, Tensor]) -> None:
    matrix = whiten(tiny_bank, *patches, shrinkage=1.0)[0].whitening
    assert matrix is not None
    torch.testing.assert_close(matrix[0], matrix[0, 0, 0] * torch.eye(8))


@pytest.mark.parametrize("chroma", [0.5, 1.5])
def test_both_axes_of_colour_count_as_asked(
    tiny_bank: DiscriminatorBank, patches: tuple[Tensor, Tensor], chroma: float
) -> None:
    clean, distorted = patches
    loss = MDFLoss(whiten(tiny_bank, clean, distorted, chroma=chroma), definition="whitened")
    noise = torch.randn(3, 1, 40, 36, generator=torch.Generator().manual_seed(5)) * 10 / 255
    answers = []
    for axis in ([1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0], [0.0, 1.0, -1.0]):
        colour = torch.tensor(axis).div(torch.tensor(axis).norm())[:, None, None]
        total = 0.0
        for k in range(len(loss.bank)):
            pairs = zip(loss.maps(clean, k), loss.maps(clean + noise * colour, k), strict=True)
            total += sum(float((after - before).square().mean()) for before, after in pairs)
        answers.append(total**0.5)
    assert [answer / answers[0] for answer in answers[1:]] == pytest.approx([chroma] * 3, rel=0.05)
    torch.testing.assert_close(loss(distorted, clean), (distorted - clean).abs().mean())


def test_the_given_bank_is_left_alone(tiny_bank: DiscriminatorBank, patches: tuple[Tensor, Tensor]) -> None:
    before = {key: value.clone() for key, value in tiny_bank.state_dict().items()}
    whiten(tiny_bank, *patches)
    assert not tiny_bank.is_conditioned
    assert all(torch.equal(value, before[key]) for key, value in tiny_bank.state_dict().items())


def test_wrong_input(tiny_bank: DiscriminatorBank, patches: tuple[Tensor, Tensor]) -> None:
    clean, distorted = patches
    with pytest.raises(ValueError, match="two \\(N, 3, H, W\\) batches of one shape"):
        whiten(tiny_bank, clean, distorted[:1])
    with pytest.raises(ValueError, match="shrinkage must be in"):
        whiten(tiny_bank, clean, distorted, shrinkage=0)
    with pytest.raises(ValueError, match="chroma must be positive and finite"):
        whiten(tiny_bank, clean, distorted, chroma=0)
    with pytest.raises(ValueError, match="there is no change to whiten"):
        whiten(tiny_bank, clean, clean.clone())
    for discriminator in tiny_bank:
        for block in discriminator.blocks:
            nn.init.zeros_(block.conv.weight)
    with pytest.raises(ValueError, match="no map of the bank responds"):
        whiten(tiny_bank, clean, distorted)
