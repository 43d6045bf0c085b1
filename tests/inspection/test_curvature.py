"""Curvature against Hessians that are known: explicit ones, linear filters, the Gaussian mean of an absolute value."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from mdfloss.inspection.curvature import RESOLUTION, FeatureForm, Term, curvature, eigenvalues

BLOCK, SIDE, SIGMA = 3, 15, 2 / 255
KERNEL = torch.tensor([[0.0, 0.2, 0.0], [0.5, 1.0, -0.3], [0.1, 0.2, 0.4]])


def _filtered(image: Tensor) -> Tensor:
    return conv2d(image, KERNEL.expand(3, 1, 3, 3), groups=3)


def _squared(pred: Tensor, target: Tensor) -> Tensor:
    return (_filtered(pred) - _filtered(target)).square().mean()


def _absolute(pred: Tensor, target: Tensor) -> Tensor:
    return (_filtered(pred) - _filtered(target)).abs().mean()


@pytest.fixture
def patches(generator: torch.Generator) -> Tensor:
    return torch.rand(2, 3, SIDE, SIDE, generator=generator)


def _curvature(term: Term, patches: Tensor, draws: int = 8) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return curvature([term], patches[:1], block=BLOCK, sigma=SIGMA, draws=draws, generator=generator)


def _exact(patches: Tensor) -> Tensor:
    """The squared loss's Hessian on the block, by automatic differentiation."""
    target = patches[:1]
    hessian = torch.autograd.functional.hessian(lambda pred: _squared(pred, target), target.clone())
    inside = slice((SIDE - BLOCK) // 2, (SIDE - BLOCK) // 2 + BLOCK)
    block = hessian[0, :, inside, inside, 0, :, inside, inside]
    return block.reshape(3 * BLOCK**2, -1).double()


@pytest.mark.parametrize("form", [None, FeatureForm([lambda image: [_filtered(image)]], absolute=False)])
def test_squared_distance_after_a_filter_has_its_hessian(form: FeatureForm | None, patches: Tensor) -> None:
    found = _curvature(Term(_squared, form=form), patches)
    exact = _exact(patches)
    assert torch.allclose(found, exact, atol=1e-3 * float(exact.max()))


def test_absolute_distance_has_the_weights_of_a_gaussian_mean(patches: Tensor) -> None:
    spread = SIGMA * float(KERNEL.square().sum().sqrt())
    exact = _exact(patches) / 2 * math.sqrt(2 / math.pi) / spread
    form = FeatureForm([lambda image: [_filtered(image)]], absolute=True)
    for term, tolerance in ((Term(_absolute, form=form), 0.1), (Term(_absolute), 0.15)):
        found = _curvature(term, patches, draws=256)
        assert torch.dist(found, exact) < tolerance * exact.norm()


def test_weighted_sum_adds_up(patches: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    found = curvature(
        [Term(_squared, 2.0), Term(_squared, 0.5)], patches[:1], block=BLOCK, sigma=SIGMA, draws=2, generator=generator
    )
    assert torch.allclose(found, 2.5 * _curvature(Term(_squared), patches, draws=2), rtol=1e-3, atol=1e-6)


def _eigenvalues(term: Term, patches: Tensor, draws: int = 8):
    generator = torch.Generator().manual_seed(0)
    return eigenvalues([term], patches, block=BLOCK, sigma=SIGMA, draws=draws, generator=generator)


def test_l2_and_l1_are_perfectly_conditioned(patches: Tensor) -> None:
    for norm in (Tensor.square, Tensor.abs):
        for form in (None, FeatureForm([lambda image: [image]], absolute=norm is Tensor.abs)):
            found = _eigenvalues(Term(lambda pred, target, norm=norm: norm(pred - target).mean(), form=form), patches)
            assert found.condition == pytest.approx(1, abs=1e-3)
            assert found.spread == pytest.approx(1, abs=1e-3)
            assert found.colour == pytest.approx(1, abs=1e-3)


def test_known_condition_number_and_colours(patches: Tensor) -> None:
    """Channels weighted 1, 2, 4 before squaring: eigenvalues 1, 4, 16."""
    gains = torch.tensor([1.0, 2.0, 4.0]).view(1, 3, 1, 1)
    found = _eigenvalues(Term(lambda pred, target: (gains * (pred - target)).square().mean()), patches)
    assert found.eigenvalues.shape == (2, 3 * BLOCK**2)
    assert found.eigenvalues.mean() == pytest.approx(1)
    assert found.condition == pytest.approx(16, rel=1e-3)
    assert found.spread == pytest.approx(16, rel=1e-3)
    luma, red_green = (1 + 4 + 16) / 3, (1 + 4) / 2
    assert found.colour[:2] == pytest.approx([1, math.sqrt(red_green / luma)], rel=1e-3)


def test_filter_has_the_condition_number_of_its_matrix(patches: Tensor) -> None:
    exact = np.linalg.eigvalsh(_exact(patches).numpy())
    found = _eigenvalues(Term(_squared, form=FeatureForm([lambda image: [_filtered(image)]], absolute=False)), patches)
    assert found.condition == pytest.approx(exact[-1] / exact[0], rel=0.01)


def test_a_dead_direction_is_said_to_be_beyond_resolution(patches: Tensor) -> None:
    found = _eigenvalues(Term(lambda pred, target: (pred - target).mean(dim=1).square().mean()), patches)
    assert found.condition == pytest.approx(1 / RESOLUTION)
    assert found.spread == pytest.approx(1 / RESOLUTION)
    assert found.colour.tolist() == pytest.approx([1, 0, 0], abs=1e-2)


def test_a_wrong_form_and_a_blind_loss_are_refused(patches: Tensor) -> None:
    with pytest.raises(ValueError, match=r"feature form gives .* where its loss gives .*: it is another loss"):
        _curvature(Term(_squared, form=FeatureForm([lambda image: [image]], absolute=False)), patches)
    with pytest.raises(ValueError, match="no curvature"):
        _eigenvalues(Term(lambda pred, target: 0 * (pred - target).mean()), patches)
