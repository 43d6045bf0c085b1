"""Scales that are drawn anew in each step: unbiased, evenly, repeatably, by number or name."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from mdfloss import BankCard, DiscriminatorBank, MDFLoss


def _five_scales(tiny_bank: DiscriminatorBank) -> DiscriminatorBank:
    scales = [copy.deepcopy(tiny_bank[index % 2]) for index in range(5)]
    for index, discriminator in enumerate(scales):
        discriminator.head.conv.weight.data *= 1 + index / 4
    return DiscriminatorBank(scales, BankCard(task="test", widths=(8,) * 5)).eval()


def _step(loss: MDFLoss, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    leaf = pred.clone().requires_grad_()
    value = loss(leaf, target)
    value.backward()
    assert leaf.grad is not None
    return value.detach(), leaf.grad


@pytest.mark.parametrize("drawn", [1, 2, 3])
def test_drawn_scales_are_unbiased(
    tiny_bank: DiscriminatorBank, pair: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch, drawn: int
) -> None:
    """The mean over the starts of a draw is the loss, and so is its gradient."""
    bank = _five_scales(tiny_bank)
    whole, drawing = MDFLoss(bank), MDFLoss(bank, scales_per_step=drawn)
    expected = _step(whole, *pair)
    steps = []
    for start in range(5):
        monkeypatch.setattr(torch, "randint", lambda *_, start=start, **__: torch.tensor(start))
        steps.append(_step(drawing, *pair))
    for found, wanted in zip(zip(*steps, strict=True), expected, strict=True):
        torch.testing.assert_close(torch.stack(found).mean(0), wanted, rtol=1e-4, atol=1e-8)


def test_every_start_is_as_likely(tiny_bank: DiscriminatorBank) -> None:
    """Two of five scales, apart from each other: five draws, as often."""
    loss = MDFLoss(_five_scales(tiny_bank), scales_per_step=2)
    counts = Counter(loss.draw() for _ in range(2000))
    assert set(counts) == {(0, 2), (1, 3), (2, 4), (0, 3), (1, 4)}
    assert chisquare(list(counts.values())).pvalue > 1e-3


@pytest.mark.parametrize("name, scales, expected", [("fast", None, 2), ("fastest", None, 1), ("fast", [3], 1)])
def test_named_speeds(tiny_bank: DiscriminatorBank, name: str, scales: list[int] | None, expected: int) -> None:
    loss = MDFLoss(_five_scales(tiny_bank), scales=scales, scales_per_step=name)
    assert loss.scales_per_step == expected


def test_draws_follow_the_seed_and_only_steps_draw(tiny_bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    bank = _five_scales(tiny_bank)
    losses = [MDFLoss(bank, scales_per_step=1, seed=seed) for seed in (0, 0, 1)]
    series = [[_step(loss, *pair)[0].item() for _ in range(12)] for loss in losses]
    assert series[0] == series[1] != series[2]
    assert len({round(value, 5) for value in series[0]}) > 1
    whole = MDFLoss(bank)
    assert torch.equal(losses[0](*pair), whole(*pair))
    with torch.no_grad():
        assert torch.equal(losses[0](pair[0].clone().requires_grad_(), pair[1]), whole(*pair))
    assert torch.equal(losses[0].per_scale(*pair), whole.per_scale(*pair))
    assert torch.equal(_step(MDFLoss(bank, scales_per_step=5), *pair)[1], _step(whole, *pair)[1])
    twin = copy.deepcopy(losses[0])
    assert [_step(twin, *pair)[0].item() for _ in range(4)] == [_step(losses[0], *pair)[0].item() for _ in range(4)]
