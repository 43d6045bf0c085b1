"""The engine equals the plain definition, forward and backward, and holds one discriminator at a time."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from mdfloss import DEFINITIONS, Definition, DiscriminatorBank, MDFLoss, mdf_loss
from mdfloss.conditioning import whiten
from mdfloss.engine import feature_distances

OPTIONS = {"padded": False, "scaled": True}
OTHERS = {
    "tail only": Definition(maps=(4,), activated=False, absolute=True, whitened=False, **OPTIONS),
    "first block": Definition(maps=(0,), activated=False, absolute=True, whitened=True, **OPTIONS),
    "all, before": Definition(maps=(0, 1, 2, 3, 4), activated=False, absolute=False, whitened=False, **OPTIONS),
}
ALL = DEFINITIONS | OTHERS


@pytest.fixture
def bank(tiny_bank: DiscriminatorBank, generator: torch.Generator) -> DiscriminatorBank:
    clean = torch.rand(2, 3, 32, 32, generator=generator)
    return whiten(tiny_bank, clean, clean + 0.1 * torch.randn(clean.shape, generator=generator))


def _gradient(loss: MDFLoss, pred: Tensor, target: Tensor, *, plain: bool) -> tuple[Tensor, Tensor]:
    leaf = pred.clone().requires_grad_()
    options = {"definition": loss.definition, "reduction": loss.reduction}
    value = mdf_loss(leaf, target, loss.bank, **options) if plain else loss(leaf, target)
    value.backward()
    assert leaf.grad is not None
    return value.detach(), leaf.grad


@pytest.mark.parametrize("name", ALL)
def test_equals_the_plain_definition(bank: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str) -> None:
    loss = MDFLoss(bank, definition=ALL[name])
    value, gradient = _gradient(loss, *pair, plain=False)
    plain_value, plain_gradient = _gradient(loss, *pair, plain=True)
    torch.testing.assert_close(value, plain_value, rtol=1e-5, atol=0)
    assert torch.cosine_similarity(gradient.flatten(), plain_gradient.flatten(), dim=0) > 0.9999
    torch.testing.assert_close(gradient.norm(), plain_gradient.norm(), rtol=1e-3, atol=0)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_bf16_stays_near(bank: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str) -> None:
    loss = MDFLoss(bank, definition=ALL[name])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value, gradient = _gradient(loss, *pair, plain=False)
    plain_value, plain_gradient = _gradient(loss, *pair, plain=True)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, plain_value, rtol=0.06, atol=0)
    assert torch.cosine_similarity(gradient.flatten(), plain_gradient.flatten(), dim=0) > 0.97


@pytest.mark.parametrize("name", ["paper", "official", "tail only"])
def test_gradcheck(bank: DiscriminatorBank, name: str, generator: torch.Generator) -> None:
    pred, target = (torch.rand(2, 3, 12, 11, generator=generator, dtype=torch.float64) for _ in range(2))
    double = copy.deepcopy(bank).double()
    assert torch.autograd.gradcheck(
        lambda x: feature_distances(x, target, double, ALL[name]), pred.requires_grad_(), eps=1e-7, atol=1e-5
    )


def test_weights_of_the_batch_reach_the_gradient(bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair[0].clone().requires_grad_(), pair[1]
    MDFLoss(bank, reduction="none")(pred, target)[1].backward()
    assert pred.grad is not None
    assert torch.equal(pred.grad[0], torch.zeros_like(pred.grad[0]))
    assert pred.grad[1].abs().sum() > 0


def test_second_derivative_is_refused(bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    pred = pair[0].clone().requires_grad_()
    with pytest.raises(RuntimeError, match=r"use mdfloss\.mdf_loss"):
        torch.autograd.grad(MDFLoss(bank)(pred, pair[1]), pred, create_graph=True)
    plain = mdf_loss(pred, pair[1], bank)
    (gradient,) = torch.autograd.grad(plain, pred, create_graph=True)
    gradient.square().sum().backward()
    assert pred.grad is not None


def test_nothing_is_kept_without_a_gradient(bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    assert not MDFLoss(bank)(*pair).requires_grad


def test_saves_one_gradient_whatever_the_number_of_scales(bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    saved: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t.numel()) or t, lambda t: t):
        value = MDFLoss(bank, definition="official")(pair[0].clone().requires_grad_(), pair[1])
    value.backward()
    assert max(saved) <= pair[0].numel()
