"""What each discriminator sees of a pair."""

import dataclasses

import pytest
import torch
from torch import Tensor

from mdfloss import MDFLoss
from mdfloss.bank import BankCard, Discriminator, DiscriminatorBank
from mdfloss.definitions import DEFINITIONS
from mdfloss.views import seen_scales, views

PYRAMID = dataclasses.replace(DEFINITIONS["whitened"], whitened=False, pyramid=True)
FLAT = dataclasses.replace(PYRAMID, pyramid=False)


def _bank(count: int, rho: float | None = 2.0) -> DiscriminatorBank:
    return DiscriminatorBank([Discriminator(4) for _ in range(count)], BankCard("test", (4,) * count, rho=rho)).eval()


def _views(pair: tuple[Tensor, Tensor], bank: DiscriminatorBank, *, pyramid: bool) -> dict[tuple[int, ...], Tensor]:
    shown = views(*pair, bank, PYRAMID if pyramid else FLAT, data_range=1.0)
    return {view.scales: view.pred for view in shown}


def test_a_pyramid_shows_each_scale_its_resolution(generator: torch.Generator) -> None:
    pair = (torch.rand(1, 3, 48, 36, generator=generator), torch.rand(1, 3, 48, 36, generator=generator))
    seen = _views(pair, _bank(4), pyramid=True)
    # Mirrored borders of 5 px; the coarsest would have 6 × 4 or 4.5 px, the next 12 × 9.
    assert {scales: tuple(image.shape[2:]) for scales, image in seen.items()} == {(2,): (34, 28), (3,): (58, 46)}
    torch.testing.assert_close(seen[3,][..., 5:-5, 5:-5], 2 * pair[0] - 1)
    assert seen[2,].mean().item() == pytest.approx(2 * pair[0].mean().item() - 1, abs=0.05)
    assert list(_views(pair, _bank(4), pyramid=False)) == [(0, 1, 2, 3)]


def test_a_subset_keeps_its_resolutions(generator: torch.Generator) -> None:
    pair = (torch.rand(1, 3, 64, 64, generator=generator), torch.rand(1, 3, 64, 64, generator=generator))
    whole = _views(pair, _bank(3), pyramid=True)
    assert torch.equal(_views(pair, _bank(3).subset([1]), pyramid=True)[0,], whole[1,])


def test_scales_that_are_seen_count_for_those_that_are_not(generator: torch.Generator) -> None:
    bank = _bank(4)
    pair = (torch.rand(1, 3, 24, 24, generator=generator), torch.rand(1, 3, 24, 24, generator=generator))
    loss = MDFLoss(bank, definition=PYRAMID)
    assert seen_scales(pair[0], bank, PYRAMID) == (2, 3)
    alone = MDFLoss(bank, definition=PYRAMID, scales=[2, 3])
    torch.testing.assert_close(loss(*pair), 2 * alone(*pair))
    terms = loss.per_scale(*pair)
    assert terms.shape == (4, 4)
    assert not terms[:2].any()
    torch.testing.assert_close(terms.sum(), loss(*pair))


def test_what_cannot_be_shown_is_refused(generator: torch.Generator) -> None:
    pair = (torch.rand(1, 3, 12, 12, generator=generator), torch.rand(1, 3, 12, 12, generator=generator))
    with pytest.raises(ValueError, match="images of 12×12 px are too small for the bank's scales"):
        MDFLoss(_bank(2), definition=PYRAMID, scales=[0])(*pair)
    with pytest.raises(ValueError, match="does not say the ratio of its scales"):
        MDFLoss(_bank(2, rho=None), definition=PYRAMID)
    with pytest.raises(ValueError, match="a pyramid's scales are not drawn"):
        MDFLoss(_bank(2), definition=PYRAMID, scales_per_step=1)
    assert MDFLoss(_bank(2), definition=PYRAMID, scales_per_step="fast").scales_per_step is None
