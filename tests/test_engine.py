"""The engine equals the plain definition, forward and backward, and holds one discriminator at a time."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from mdfloss import DEFINITIONS, Definition, DiscriminatorBank, MDFLoss, engine, mdf_loss
from mdfloss.bank import BankCard, Discriminator
from mdfloss.conditioning import whiten
from mdfloss.distortions import Jpeg
from mdfloss.engine import feature_distances
from mdfloss.images import read_image
from mdfloss.pretrained import load_bank

OPTIONS = {"padded": False, "scaled": True}
OTHERS = {
    "tail only": Definition(maps=(4,), activated=False, comparison="absolute", whitened=False, **OPTIONS),
    "first block": Definition(maps=(0,), activated=False, comparison="absolute", whitened=True, **OPTIONS),
    "all, before": Definition(maps=(0, 1, 2, 3, 4), activated=False, comparison="squared", whitened=False, **OPTIONS),
}
MAPS = {
    name: definition
    for name, definition in DEFINITIONS.items()
    if replace(definition, pixel_rms=0, pixel_mse=0) == definition
}
"""Those that the engine computes whole: the pixels' term is added after it."""
MAPS["structure"] = replace(DEFINITIONS["structural"], pixel_rms=0, pixel_mse=0, map_weight=1, pyramid=False)
ALL = DEFINITIONS | OTHERS
HALF_ERROR = {"structure": 0.03}
"""In half precision, where it is more than a hundredth: what rounding adds to variances weighs in their quotient."""


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


def _in_type(loss: MDFLoss, pred: Tensor, target: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Loss and gradient with convolutions in a type that this CPU may only emulate."""
    low, high = loss.bank.card.input_range if loss.definition.scaled else (0, 1)
    leaf = pred.clone().requires_grad_()
    pair = [x * (high - low) + low for x in (leaf, target)]
    if loss.definition.padded:
        pair = [torch.nn.functional.pad(x, [5] * 4, mode="reflect") for x in pair]
    value = feature_distances(*pair, loss.bank, loss.definition, dtype=dtype).mean()
    value.backward()
    assert leaf.grad is not None
    return value.detach(), leaf.grad


@pytest.mark.parametrize("sigma", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", MAPS)
def test_half_precision_stays_near_however_close_the_pair(
    bank: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str, dtype: torch.dtype, sigma: float
) -> None:
    loss, target = MDFLoss(bank, definition=MAPS[name]), pair[1]
    pred = target + (pair[0] - target) * (sigma / 0.1)
    value, gradient = _in_type(loss, pred, target, dtype)
    plain_value, plain_gradient = _gradient(loss, pred, target, plain=True)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, plain_value, rtol=HALF_ERROR.get(name, 0.01), atol=0)
    assert torch.cosine_similarity(gradient.flatten(), plain_gradient.flatten(), dim=0) > 0.995
    torch.testing.assert_close(gradient.norm(), plain_gradient.norm(), rtol=HALF_ERROR.get(name, 0.01), atol=0)


@pytest.mark.data
@pytest.mark.parametrize("definition", MAPS)
def test_released_bank_on_real_pictures(data_dir: Path, definition: str) -> None:
    clean = read_image(data_dir / "bsds500" / "test" / "100007.jpg")[..., 100:140, 100:140]
    noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    bank = whiten(load_bank(data_dir / "mdf-official" / "Ds_JPEG.safetensors").subset([0, 7]), clean, noisy)
    loss = MDFLoss(bank, definition=MAPS[definition])
    for pred in (noisy, clean + (noisy - clean) / 10, Jpeg(quality=10)(clean, torch.Generator())):
        plain_value, plain_gradient = _gradient(loss, pred, clean, plain=True)
        exact, half = _gradient(loss, pred, clean, plain=False), _in_type(loss, pred, clean, torch.bfloat16)
        for (value, gradient), error, cosine in (
            (exact, 1e-4, 0.9999),
            (half, HALF_ERROR.get(definition, 0.01), 0.995),
        ):
            torch.testing.assert_close(value, plain_value, rtol=error, atol=0)
            assert torch.cosine_similarity(gradient.flatten(), plain_gradient.flatten(), dim=0) > cosine


def test_parts_of_a_batch_add_up(
    bank: DiscriminatorBank, pair: tuple[Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    loss = MDFLoss(bank, reduction="none")
    pred, target = (torch.cat([x, x.flip(0), x[:1]]) for x in pair)
    whole = _summed(loss, pred, target)
    monkeypatch.setitem(engine.MAP_BYTES, "cpu", 2 * 8 * 47 * 41 * 4 * 2)
    assert [part.stop for part in engine._parts(torch.zeros(5, 3, 47, 41), 8, torch.float32)] == [1, 3, 5]
    for found, expected in zip(_summed(loss, pred, target), whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def _summed(loss: MDFLoss, pred: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    leaf = pred.clone().requires_grad_()
    values = loss(leaf, target)
    values.sum().backward()
    assert leaf.grad is not None
    return values.detach(), leaf.grad


@pytest.mark.parametrize("name", ALL)
def test_discriminators_side_by_side_are_those_one_by_one(
    bank: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engine.STACK_WIDTH, "cpu", 16)
    test_equals_the_plain_definition(bank, pair, name)


@pytest.mark.parametrize(
    ("widths", "size", "expected"),
    [
        ((16,) * 8, 96, [8]),
        ((32,) * 4 + (64,) * 4, 48, [4, 2, 2]),
        ((16,) * 8, 144, [4, 4]),
        ((16,) * 8, 512, [1] * 8),
        ((128, 192), 48, [1, 1]),
    ],
)
def test_narrow_discriminators_stand_side_by_side_on_cuda(
    widths: tuple[int, ...], size: int, expected: list[int]
) -> None:
    with torch.device("meta"):
        bank = DiscriminatorBank([Discriminator(width) for width in widths], BankCard(task="test", widths=widths))
    with FakeTensorMode():
        batch = torch.empty(8, 3, size, size, device="cuda")
    stacks = list(engine._stacks(bank, batch, torch.float32))
    assert [len(stack) for stack in stacks] == expected
    assert [discriminator for stack in stacks for discriminator in stack] == list(bank)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("options", [{}, {"scales_per_step": 2}, {"definition": "paper"}])
@pytest.mark.parametrize("name", ["denoise", "denoise_small"])
def test_on_cuda_it_is_the_same_but_for_rounding(
    name: str, options: dict[str, Any], dtype: torch.dtype, generator: torch.Generator
) -> None:
    on_cpu, on_cuda = MDFLoss(name, **options), MDFLoss(name, **options).cuda()
    for seed, size in enumerate((40, 40, 96, 200)):
        target = torch.rand(2, 3, size, size, generator=generator)
        pred = target + 0.1 * torch.randn(target.shape, generator=generator)
        on_cpu.reseed(seed)
        on_cuda.reseed(seed)
        wanted = _gradient(on_cpu, pred, target, plain=False)
        with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
            value, gradient = _gradient(on_cuda, pred.cuda(), target.cuda(), plain=False)
        torch.testing.assert_close(value.cpu(), wanted[0], rtol=1e-3 if dtype == torch.float32 else 0.01, atol=0)
        assert torch.cosine_similarity(gradient.cpu().flatten(), wanted[1].flatten(), dim=0) > 0.995


def test_a_cpu_without_bfloat16_is_not_asked_to_emulate_it() -> None:
    image, capabilities = torch.zeros(1), torch.cpu.get_capabilities()
    has_fast = any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    assert engine.computing_dtype(image) == torch.float32
    assert engine.computing_dtype(image.double()) == torch.float64
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert engine.computing_dtype(image) == (torch.bfloat16 if has_fast else torch.float32)


def test_no_step_waits_for_the_device() -> None:
    """A fake tensor has no values: whoever asked for one, as `.item()` and `if` do, would raise.

    The gradient is computed in the forward pass too; what is left of the backward pass is one multiplication.
    """
    loss = MDFLoss(DiscriminatorBank(map(Discriminator, (8, 8)), BankCard(task="test", widths=(8, 8))))
    shapes = {name: value.shape for name, value in loss.state_dict().items()}
    with FakeTensorMode():
        state = {name: torch.empty(shape, device="cuda") for name, shape in shapes.items()}
        pred = torch.empty(2, 3, 37, 31, device="cuda", requires_grad=True)
        value = torch.func.functional_call(loss, state, (pred, torch.empty_like(pred)))
        assert value.device.type == "cuda"
        assert value.requires_grad
        with pytest.raises(DataDependentOutputException):
            value.item()


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
