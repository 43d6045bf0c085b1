"""How two maps are compared: the term of SSIM, its properties, and what it asks for."""

import pytest
import torch
from torch import Tensor

from mdfloss.comparison import COMPARISONS, structure_distance


@pytest.fixture
def maps(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    target = torch.randn(2, 3, 26, 33, generator=generator)
    return target + 0.5 * torch.randn(target.shape, generator=generator), target


def test_structure_is_the_term_of_ssim_in_every_window(maps: tuple[Tensor, Tensor]) -> None:
    pred, target = (x.double() for x in maps)
    found = torch.zeros(2, dtype=torch.float64)
    places = [(y, x) for y in range(0, 26 - 7, 4) for x in range(0, 33 - 7, 4)]
    for y, x in places:
        one, other = (m[..., y : y + 8, x : x + 8].flatten(2) for m in (pred, target))
        covariance = ((one - one.mean(2, keepdim=True)) * (other - other.mean(2, keepdim=True))).mean(2)
        variances = one.var(2, correction=0) + other.var(2, correction=0)
        found += (1 - (2 * covariance + 8e-6) / (variances + 8e-6)).mean(1) / len(places)
    torch.testing.assert_close(structure_distance(pred, target), found)


def test_structure_sees_contrast_and_not_brightness(maps: tuple[Tensor, Tensor]) -> None:
    _, target = maps
    torch.testing.assert_close(structure_distance(target + 3, target), torch.zeros(2), atol=1e-5, rtol=0)
    halved, whole = structure_distance(0.5 * target, target), structure_distance(-target, target)
    torch.testing.assert_close(halved, torch.full((2,), 0.2), atol=1e-5, rtol=0)  # 1 - 2·0.5 / (1 + 0.25)
    torch.testing.assert_close(whole, torch.full((2,), 2.0), atol=1e-5, rtol=0)


def test_an_unsure_prediction_keeps_its_contrast(maps: tuple[Tensor, Tensor]) -> None:
    """Of all multiples of a prediction that is half noise, squares like one of less contrast, structure does not."""
    _, target = maps
    unsure = 0.5**0.5 * (target + maps[0].roll(1, 0))
    unsure = unsure / unsure.std() * target.std()
    factors = torch.linspace(0.3, 1.3, 21)
    best = {
        name: factors[torch.stack([COMPARISONS[name](f * unsure, target).mean() for f in factors]).argmin()]
        for name in ("squared", "structure")
    }
    assert best["squared"] < 0.8
    assert best["structure"] > 0.9


@pytest.mark.parametrize("side", [1, 2, 5, 9])
def test_small_maps_have_smaller_windows(side: int, generator: torch.Generator) -> None:
    pred, target = (torch.randn(1, 2, side, side, generator=generator).requires_grad_() for _ in range(2))
    distance = structure_distance(pred, target)
    distance.sum().backward()
    assert pred.grad is not None
    assert torch.isfinite(distance).all()
    assert torch.isfinite(pred.grad).all()


def test_local_contrast_survives_float32_on_a_bright_map(maps: tuple[Tensor, Tensor]) -> None:
    pred, target = (0.01 * x + 3 for x in maps)
    torch.testing.assert_close(
        structure_distance(pred, target), structure_distance(pred.double(), target.double()).float(), rtol=1e-3, atol=0
    )
