from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdfloss.bank import DiscriminatorBank
from mdfloss.loss import MDFLoss
from mdfloss.losses import banks_digest, build_loss
from mdfloss.losses.expression import _terms

Images = tuple[Tensor, Tensor]


def test_plain_losses_equal_torch(pair: Images) -> None:
    assert torch.allclose(build_loss("l1")(*pair), torch.nn.functional.l1_loss(*pair))
    assert torch.allclose(build_loss("mse")(*pair), torch.nn.functional.mse_loss(*pair))
    assert torch.equal(build_loss("l2")(*pair), build_loss("mse")(*pair))


@pytest.mark.parametrize("spelling", ["mse+0.1*l1", " mse + 0.1 * l1 ", "1*mse+1e-1*l1"])
def test_sums_and_weights(spelling: str, pair: Images) -> None:
    expected = build_loss("mse")(*pair) + 0.1 * build_loss("l1")(*pair)
    assert torch.allclose(build_loss(spelling)(*pair), expected)


@pytest.mark.parametrize(
    ("expression", "terms"),
    [
        ("l1+1e+3*mse", [(1, "l1", ""), (1000, "mse", "")]),
        ("l1 + 1.5E+3 * mse", [(1, "l1", ""), (1500, "mse", "")]),
        ("1e+3*l1+1e-4*mse", [(1000, "l1", ""), (1e-4, "mse", "")]),
        ("1e-4*mse+l1", [(1e-4, "mse", ""), (1, "l1", "")]),
        ("mdf:a.safetensors+1e+06*l1", [(1, "mdf", "a.safetensors"), (1e6, "l1", "")]),
        ("1e+06*mdf:a+b.safetensors@paper+l1", [(1e6, "mdf", "a+b.safetensors@paper"), (1, "l1", "")]),
        ("mdf:x+1e+06/y.safetensors+l1", [(1, "mdf", "x+1e+06/y.safetensors"), (1, "l1", "")]),
        ("mdf:x+1e+l1", [(1, "mdf", "x+1e"), (1, "l1", "")]),
        ("mdf:run1e+3*l1", [(1, "mdf", "run1e"), (3, "l1", "")]),
    ],
)
def test_a_plus_in_an_exponent_separates_nothing(expression: str, terms: list[tuple[float, str, str]]) -> None:
    assert _terms(expression) == terms


@pytest.mark.parametrize("exponent", range(-7, 10))
@pytest.mark.parametrize("digits", ["1", "2.5"])
def test_weights_of_any_size_are_read_as_they_are_written(digits: str, exponent: int) -> None:
    weight = float(f"{digits}e{exponent}")
    for text in (f"{weight:g}", f"{weight}", f"{weight:.3e}"):
        terms = [(weight, "mse", ""), (1, "mdf", "a+b.safetensors"), (weight, "l1", "")]
        assert _terms(f"{text}*mse+mdf:a+b.safetensors+{text}*l1") == terms


def test_mdf_by_path_and_definition(pair: Images, tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    tiny_bank.save(path)
    assert torch.equal(build_loss(f"mdf:{path}")(*pair), MDFLoss(tiny_bank)(*pair))
    assert torch.equal(build_loss(f"mdf:{path}@official")(*pair), MDFLoss(tiny_bank, definition="official")(*pair))
    expected = 2 * MDFLoss(tiny_bank)(*pair) + build_loss("l1")(*pair)
    assert torch.allclose(build_loss(f"2*mdf:{path}@paper+l1")(*pair), expected)


@pytest.mark.parametrize("definition", ["", "official"])
def test_mdf_with_scales_drawn_in_each_step(tiny_bank: DiscriminatorBank, tmp_path: Path, definition: str) -> None:
    path = tmp_path / "bank.safetensors"
    tiny_bank.save(path)
    loss = build_loss(f"mdf:{path}@{definition}/1")
    assert isinstance(loss, MDFLoss)
    assert loss.scales_per_step == 1
    assert loss.definition == MDFLoss(tiny_bank, definition=definition or None).definition
    named = build_loss(f"mdf:{path}@{definition}/fastest")
    assert isinstance(named, MDFLoss)
    assert named.scales_per_step == 1
    with pytest.raises(ValueError, match=r"scales_per_step must be a number or one of .*'fast', .*, got 'x'"):
        build_loss(f"mdf:{path}@{definition}/x")


@pytest.mark.parametrize("name", ["a+b.safetensors", "l1 + me@home/x*y.safetensors", "mse@a.b/c.safetensors"])
def test_paths_may_hold_what_expressions_are_made_of(
    name: str, pair: Images, tiny_bank: DiscriminatorBank, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    tiny_bank.save(path)
    assert torch.equal(build_loss(f"mdf:{path}")(*pair), MDFLoss(tiny_bank)(*pair))
    expected = 2 * MDFLoss(tiny_bank, definition="official")(*pair) + build_loss("l1")(*pair)
    assert torch.allclose(build_loss(f"2 * mdf:{path}@official + l1")(*pair), expected)


def test_the_digest_tells_what_was_learnt_apart(tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    assert banks_digest("l1+0.1*fft") is None
    digests = set()
    for name, factor in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        tiny_bank[0].head.conv.weight.data *= factor
        tiny_bank.save(tmp_path / f"{name}.safetensors")
        digests.add(banks_digest(f"l1+mdf:{tmp_path / name}.safetensors@paper"))
    assert len(digests) == 2
    read_otherwise = banks_digest(f"l1+mdf:{tmp_path / 'c'}.safetensors@official")
    assert read_otherwise is not None
    assert read_otherwise not in digests
    assert banks_digest(f"mdf:{tmp_path / 'c'}.safetensors@paper/1") in digests


@pytest.mark.filterwarnings("ignore:MS-SSIM of")
def test_the_published_mix_is_no_plain_sum(pair: Images) -> None:
    mixed = build_loss("ms_ssim + l1")(*pair)
    parts = [build_loss(name)(*pair) for name in ("ms_ssim", "l1")]
    assert mixed.item() == pytest.approx((0.84 * parts[0] + 0.16 * parts[1]).item(), rel=0.02)


@pytest.mark.parametrize(
    "expression, message",
    [
        ("", "'' is not one of l1, mse"),
        ("l1+", "'' is not one of l1, mse"),
        ("huber", "'huber' is not one of l1, mse"),
        ("x*l1", "'x' is not a number"),
        ("0*l1", "the weight of l1 must be positive, got 0"),
        ("-1*l1", "the weight of l1 must be positive, got -1"),
        ("l1:x", "L1Loss takes nothing after a colon, got 'x'"),
        ("mdf", "mdf needs a bank"),
    ],
)
def test_wrong_expressions_are_refused(expression: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_loss(expression)
