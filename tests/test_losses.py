from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdfloss.bank import DiscriminatorBank
from mdfloss.loss import MDFLoss
from mdfloss.losses import LOSSES, build_loss

Images = tuple[Tensor, Tensor]


def test_plain_losses_equal_torch(pair: Images) -> None:
    assert torch.equal(build_loss("l1")(*pair), torch.nn.functional.l1_loss(*pair))
    assert torch.equal(build_loss("mse")(*pair), torch.nn.functional.mse_loss(*pair))
    assert torch.equal(build_loss("l2")(*pair), build_loss("mse")(*pair))


@pytest.mark.parametrize("spelling", ["mse+0.1*l1", " mse + 0.1 * l1 ", "1*mse+1e-1*l1"])
def test_sums_and_weights(spelling: str, pair: Images) -> None:
    expected = build_loss("mse")(*pair) + 0.1 * build_loss("l1")(*pair)
    assert torch.allclose(build_loss(spelling)(*pair), expected)


def test_mdf_by_path_and_definition(pair: Images, tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    tiny_bank.save(path)
    assert torch.equal(build_loss(f"mdf:{path}")(*pair), MDFLoss(tiny_bank)(*pair))
    assert torch.equal(build_loss(f"mdf:{path}@official")(*pair), MDFLoss(tiny_bank, definition="official")(*pair))
    expected = 2 * MDFLoss(tiny_bank)(*pair) + build_loss("l1")(*pair)
    assert torch.allclose(build_loss(f"2*mdf:{path}@paper+l1")(*pair), expected)


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"mdf"}))
def test_menu_of_every_loss(name: str, pair: Images) -> None:
    pred, target = pair
    loss = build_loss(name)
    assert loss(target, target) == 0
    pred = pred.clone().requires_grad_()
    loss(pred, target).backward()
    assert torch.isfinite(pred.grad).all()
    assert not any(p.requires_grad for p in loss.parameters())
    assert loss(pred.bfloat16(), target.bfloat16()).dtype == torch.float32
    with pytest.raises(ValueError, match=r"target must be within \[0, 1\]"):
        loss(pred, 255 * target)
    with pytest.raises(ValueError, match="must have one shape"):
        loss(pred[..., :-1], target)


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
