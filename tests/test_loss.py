"""The loss: the authors' values, its properties, its frozenness, and every wrong input."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from mdfloss import MDFLoss
from mdfloss.bank import DiscriminatorBank
from mdfloss.conditioning import whiten
from mdfloss.definitions import DEFINITIONS, Definition
from mdfloss.loss import mdf_loss

NAMES = tuple(DEFINITIONS)


@pytest.fixture
def conditioned(tiny_bank: DiscriminatorBank, generator: torch.Generator) -> DiscriminatorBank:
    clean = torch.rand(2, 3, 32, 32, generator=generator)
    return whiten(tiny_bank, clean, clean + 0.1 * torch.randn(clean.shape, generator=generator))


def _expected(bank: DiscriminatorBank, pred: Tensor, target: Tensor, definition: Definition) -> Tensor:
    """The definition written out with whole modules, in float64."""
    bank = copy.deepcopy(bank).double()
    total = torch.zeros(len(pred), dtype=torch.float64)
    for scale, discriminator in enumerate(bank):
        maps: list[list[Tensor]] = []
        for image in (pred, target):
            x = image.double()
            if definition.pyramid:
                size = [round(side / bank.card.rho ** (len(bank) - 1 - scale)) for side in x.shape[2:]]
                x = nn.functional.interpolate(x, size, mode="bicubic", antialias=True)
            if definition.scaled:
                x = 2 * x - 1
            if definition.padded:
                x = nn.ReflectionPad2d(5)(x)
            found = []
            for block in discriminator.blocks:
                response = block.norm(block.conv(x))
                x = nn.LeakyReLU(0.2)(response)
                found.append(x if definition.activated else response)
            maps.append([*found, discriminator.tail(x)])
        for index in definition.maps:
            one, other = maps[0][index], maps[1][index]
            if definition.whitened:
                matrix = discriminator.whitening[index].double()  # type: ignore[index]
                one, other = (torch.einsum("ij,njhw->nihw", matrix, x) for x in (one, other))
            total += definition.map_weight * _compared(one, other, definition.comparison)
    return total + _pixels(pred.double(), target.double(), definition)


def _pixels(pred: Tensor, target: Tensor, definition: Definition) -> Tensor:
    squared = (pred - target).square().mean(dim=(1, 2, 3))
    return definition.pixel_rms * squared.sqrt() + definition.pixel_mse * squared


def _compared(pred: Tensor, target: Tensor, comparison: str) -> Tensor:
    """The distance of two maps, of its windows one by one for structure."""
    if comparison != "structure":
        return ((pred - target).abs() if comparison == "absolute" else (pred - target) ** 2).mean(dim=(1, 2, 3))
    side = min(8, *(length // 2 for length in pred.shape[2:]))
    windows = [x.unfold(2, side, side // 2).unfold(3, side, side // 2).flatten(4) for x in (pred, target)]
    centred = [x - x.mean(-1, keepdim=True) for x in windows]
    covariance = (centred[0] * centred[1]).mean(-1)
    variances = centred[0].square().mean(-1) + centred[1].square().mean(-1)
    return (1 - (2 * covariance + 8e-6) / (variances + 8e-6)).mean(dim=(1, 2, 3))


@pytest.mark.data
@pytest.mark.parametrize("weights", ["sisr_denoising", "jpeg"])
@pytest.mark.parametrize("case", ["b", "d"])
def test_official_definition_equals_the_authors_code(data_dir: Path, weights: str, case: str) -> None:
    golden = safetensors.torch.load_file(data_dir / "golden" / "golden.safetensors")
    name = {"sisr_denoising": "Ds_SISR_and_Denoising", "jpeg": "Ds_JPEG"}[weights]
    path = data_dir / "mdf-official" / f"{name}.safetensors"
    target, pred = golden[f"{case}.x"], golden[f"{case}.y"]
    scales = len(MDFLoss(path).bank)
    for ascending in (1, 0):
        order = range(scales) if ascending else range(scales - 1, -1, -1)
        for count in (n for n in (3, 8, 9) if n <= scales):
            loss = MDFLoss(path, definition="official", scales=order[:count])
            value = loss(pred, target)
            torch.testing.assert_close(
                value, golden[f"{case}.{weights}.loss.n{count}.asc{ascending}"], rtol=1e-5, atol=0
            )
        key = f"{case}.{weights}.grad.n8.asc{ascending}"
        if key in golden:
            leaf = pred.clone().requires_grad_()
            MDFLoss(path, definition="official", scales=order[:8])(leaf, target).backward()
            assert leaf.grad is not None
            assert (leaf.grad - golden[key]).norm() / golden[key].norm() < 2e-3
    terms = MDFLoss(path, definition="official").per_scale(pred, target)
    torch.testing.assert_close(terms, golden[f"{case}.{weights}.terms"], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_value_equals_the_definition_in_float64(
    conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str
) -> None:
    expected = _expected(conditioned, *pair, DEFINITIONS[name]).float()
    for reduction, value in {"none": expected, "mean": expected.mean(), "sum": expected.sum()}.items():
        found = MDFLoss(conditioned, definition=name, reduction=reduction)(*pair)  # type: ignore[arg-type]
        torch.testing.assert_close(found, value, rtol=1e-5, atol=1e-6)


def test_float64_pictures_need_no_float64_bank(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    double = (pair[0].double(), pair[1].double())
    loss = MDFLoss(conditioned)
    for value in (loss(*double), mdf_loss(*double, loss.bank, definition=loss.definition)):
        torch.testing.assert_close(value.float(), loss(*pair), rtol=1e-4, atol=1e-6)


def test_function_and_module_mean_the_same_loss_by_default(
    tiny_bank: DiscriminatorBank, conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor]
) -> None:
    for some in (tiny_bank, conditioned):
        torch.testing.assert_close(mdf_loss(*pair, some), MDFLoss(some)(*pair))
    torch.testing.assert_close(
        mdf_loss(*pair, tiny_bank, definition="official"), MDFLoss(tiny_bank, definition="official")(*pair)
    )
    with pytest.raises(ValueError, match="definition must be one of"):
        mdf_loss(*pair, tiny_bank, definition="nonsense")


@pytest.mark.parametrize("name", NAMES)
def test_properties(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str) -> None:
    pred, target = pair
    loss = MDFLoss(conditioned, definition=name, reduction="none")
    assert torch.equal(loss(target, target), torch.zeros(2))
    torch.testing.assert_close(loss(pred.flip(0), target.flip(0)), loss(pred, target).flip(0))
    pixels = _pixels(pred, target, loss.definition).mean()
    torch.testing.assert_close(loss.per_scale(pred, target).sum() + pixels, loss(pred, target).mean())
    torch.testing.assert_close(mdf_loss(pred, target, loss.bank, definition=loss.definition), loss(pred, target).mean())
    scaled = MDFLoss(conditioned, definition=name, reduction="none", data_range=255)
    torch.testing.assert_close(scaled(255 * pred, 255 * target), loss(pred, target), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_gray_is_three_equal_channels(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str) -> None:
    pred, target = (x[:, :1] for x in pair)
    loss = MDFLoss(conditioned, definition=name)
    torch.testing.assert_close(loss(pred, target), loss(pred.repeat(1, 3, 1, 1), target.repeat(1, 3, 1, 1)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["constant", "random", "extreme", "equal"])
def test_gradients_are_finite(conditioned: DiscriminatorBank, name: str, kind: str) -> None:
    target = torch.full((1, 3, 16, 16), 0.5)
    pred = {
        "constant": torch.zeros_like(target),
        "random": torch.rand(target.shape),
        "extreme": torch.randn(target.shape).sign() * 1e4,
        "equal": target.clone(),
    }[kind].requires_grad_()
    MDFLoss(conditioned, definition=name)(pred, target).backward()
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()


@pytest.mark.parametrize("name", ["paper", "official"])
def test_gradcheck(conditioned: DiscriminatorBank, name: str, generator: torch.Generator) -> None:
    bank = copy.deepcopy(conditioned).double().requires_grad_(False)
    target = torch.rand(1, 3, 12, 11, generator=generator, dtype=torch.float64)
    pred = torch.rand(target.shape, generator=generator, dtype=torch.float64).requires_grad_()
    difference = 1e-3 * torch.randn(pred.shape, generator=generator, dtype=torch.float64)
    definition = DEFINITIONS[name]
    value = mdf_loss(pred, target, bank, definition=definition)
    (gradient,) = torch.autograd.grad(value, pred)
    with torch.no_grad():
        up, down = (_expected(bank, pred + s * difference, target, definition).mean() for s in (1, -1))
    torch.testing.assert_close(((up - down) / 2).item(), (gradient * difference).sum().item(), rtol=1e-2, atol=1e-6)


def test_frozen_inside_a_training_parent(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    class Parent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = nn.Conv2d(3, 3, 1)
            self.loss = MDFLoss(conditioned)

    parent = Parent().train()
    before = {key: value.clone() for key, value in parent.loss.state_dict().items()}
    parent.loss(parent.network(pair[0]), pair[1]).backward()
    assert not any(module.training for module in parent.loss.modules())
    assert all(p.grad is None and not p.requires_grad for p in parent.loss.parameters())
    assert {n for n, p in parent.named_parameters() if p.requires_grad} == {"network.weight", "network.bias"}
    assert parent.network.weight.grad is not None
    assert all(torch.equal(value, before[key]) for key, value in parent.loss.state_dict().items())


def test_the_given_bank_is_not_frozen(tiny_bank: DiscriminatorBank) -> None:
    MDFLoss(tiny_bank)
    assert all(p.requires_grad for p in tiny_bank.parameters())


def test_state_dict_round_trip(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    loss, other = MDFLoss(conditioned), MDFLoss(conditioned)
    for parameter in other.parameters():
        parameter.data.zero_()
    other.load_state_dict(loss.state_dict())
    assert torch.equal(loss(*pair), other(*pair))


@pytest.mark.parametrize("name", NAMES)
def test_autocast_sums_in_float32(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str) -> None:
    loss = MDFLoss(conditioned, definition=name)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(*pair)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(*pair), rtol=0.06, atol=0)


def test_channels_last_changes_nothing(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    loss = MDFLoss(conditioned)
    expected = loss(*pair)
    found = loss.to(memory_format=torch.channels_last)(*(x.to(memory_format=torch.channels_last) for x in pair))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["balanced", "detailed", "structural"])
def test_compiles_without_a_graph_break(conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor], name: str) -> None:
    loss = MDFLoss(conditioned, definition=name)
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*pair), loss(*pair), rtol=1e-4, atol=1e-6)


def test_eleven_pixels_are_enough_and_ten_are_not(conditioned: DiscriminatorBank) -> None:
    for name in NAMES:
        loss = MDFLoss(conditioned, definition=name)
        assert torch.isfinite(loss(torch.rand(1, 3, 11, 11), torch.rand(1, 3, 11, 11)))
        with pytest.raises(ValueError, match="11"):
            loss(torch.rand(1, 3, 10, 12), torch.rand(1, 3, 10, 12))


def test_wrong_tensors(tiny_bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    loss, (pred, target) = MDFLoss(tiny_bank), pair
    assert torch.isfinite(loss(pred * 3 - 1, target))
    for wrong in (255 * target, 2 * target - 1):
        with pytest.raises(ValueError, match="target"):
            loss(pred, wrong)
    for bad in (float("nan"), float("inf")):
        broken = pred.clone()
        broken[0, 0, 0, 0] = bad
        with pytest.raises(ValueError, match="finite"):
            loss(broken, target)
    with pytest.raises(ValueError, match="shape"):
        loss(pred[:1], target)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"definition": "best"}, "definition must be one of .*'paper'.*, got 'best'"),
        ({"definition": "whitened"}, "the bank carries no whitening matrices"),
        ({"reduction": "avg"}, "reduction must be one of .*, got 'avg'"),
        ({"data_range": 0}, "data_range is the value of white, positive and finite, got 0"),
        ({"scales_per_step": 0}, "scales_per_step must be within 1..2, got 0"),
        ({"scales": [0], "scales_per_step": 2}, "scales_per_step must be within 1..1, got 2"),
        ({"scales_per_step": "slow"}, "scales_per_step must be a number or one of .*, got 'slow'"),
        ({"scales": [5]}, "scales must be distinct and within 0..1, got \\[5\\]"),
    ],
)
def test_wrong_options(tiny_bank: DiscriminatorBank, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MDFLoss(tiny_bank, **options)  # type: ignore[arg-type]


def test_unknown_bank() -> None:
    with pytest.raises(FileNotFoundError, match="no shipped bank of that name"):
        MDFLoss("nonsense")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_a_converted_module_gives_its_parts_too(
    conditioned: DiscriminatorBank, pair: tuple[Tensor, Tensor], dtype: torch.dtype
) -> None:
    pred, target = pair[0].clamp(0, 1), pair[1]
    expected = MDFLoss(conditioned).per_scale(pred, target)
    found = MDFLoss(conditioned).to(dtype).per_scale(pred.to(dtype), target.to(dtype))
    torch.testing.assert_close(found.float(), expected, rtol=0.1, atol=1e-3)
