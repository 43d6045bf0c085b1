from __future__ import annotations

import pytest
import torch
from torch import Tensor

from mdfloss.losses import CharbonnierLoss, FrequencyLoss, L1Loss, MSELoss, RMSELoss


def test_l1_and_mse_are_torchs(pair: tuple[Tensor, Tensor]) -> None:
    assert torch.allclose(L1Loss()(*pair), torch.nn.functional.l1_loss(*pair))
    assert torch.allclose(MSELoss()(*pair), torch.nn.functional.mse_loss(*pair))


def test_rmse_is_the_root_of_each_images_own_error(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    expected = torch.stack([(a - b).square().mean().sqrt() for a, b in zip(pred, target, strict=True)]).mean()
    assert torch.allclose(RMSELoss()(pred, target), expected)
    assert RMSELoss()(3 * pred / 4 + target / 4, target).item() == pytest.approx(0.75 * expected.item(), rel=1e-5)
    equal = target.clone().requires_grad_()
    RMSELoss()(equal, target).backward()
    assert equal.grad is not None
    assert equal.grad.abs().max() == 0


def test_charbonnier_is_l1_from_afar_and_half_a_square_nearby() -> None:
    target = torch.full((1, 3, 4, 4), 0.5)
    assert CharbonnierLoss(epsilon=1e-3)(target + 0.3, target).item() == pytest.approx(0.3, abs=1.1e-3)
    near = CharbonnierLoss(epsilon=0.5)(target + 0.01, target).item()
    assert near == pytest.approx(0.01**2 / (2 * 0.5), rel=1e-2)
    with pytest.raises(ValueError, match="epsilon must be positive, got 0"):
        CharbonnierLoss(epsilon=0)


def test_frequency_loss_of_a_constant_is_its_mean_alone() -> None:
    target = torch.zeros(1, 1, 8, 8)
    # One coefficient, 0.5·√64, among 8 × 5 real and as many imaginary ones.
    assert FrequencyLoss()(target + 0.5, target).item() == pytest.approx(0.5 * 8 / 80, rel=1e-5)
