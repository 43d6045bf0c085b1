import itertools

import pytest
import torch

from mdfloss.distortions import resize
from mdfloss.fitting.pyramid import choose_rho, scale_sizes, seed_levels


def test_the_papers_ratio_where_the_seed_is_large_enough():
    assert choose_rho(1408, num_scales=8) == 2
    assert choose_rho(1407, num_scales=8) < 2
    assert scale_sizes((1408, 2000), num_scales=8, rho=2.0)[0] == (11, 16)


@pytest.mark.parametrize("short_side", [40, 64, 321, 512, 1407])
@pytest.mark.parametrize("num_scales", [2, 5, 8])
def test_chosen_ratio_keeps_25_px_or_is_the_papers(short_side: int, num_scales: int):
    rho = choose_rho(short_side, num_scales=num_scales)
    sizes = scale_sizes((short_side, short_side + 7), num_scales=num_scales, rho=rho)
    assert len(sizes) == num_scales
    assert sizes[-1] == (short_side, short_side + 7)
    assert all(a[0] < b[0] and a[1] < b[1] for a, b in itertools.pairwise(sizes))
    assert rho == 2 or sizes[0][0] == 25


def test_neighbouring_levels_differ_by_rho():
    sizes = scale_sizes((900, 1200), num_scales=6, rho=1.5)
    for coarse, fine in itertools.pairwise(sizes):
        assert fine[0] / coarse[0] == pytest.approx(1.5, abs=0.02)
        assert fine[1] / coarse[1] == pytest.approx(1.5, abs=0.02)


def test_too_small_a_seed_names_the_mend():
    message = r"seed is 321x481; K=8 with rho=2 needs 1408 px on the short side: lower rho to 1.44 or K to 5"
    with pytest.raises(ValueError, match=message):
        scale_sizes((321, 481), num_scales=8, rho=2.0)
    scale_sizes((321, 481), num_scales=8, rho=1.44)
    scale_sizes((321, 481), num_scales=5, rho=2.0)


def test_a_seed_below_one_patch_has_no_mend_but_a_larger_one():
    with pytest.raises(ValueError, match=r"needs 11 px on the short side: take a larger seed"):
        scale_sizes((10, 400), num_scales=1, rho=2.0)
    with pytest.raises(ValueError, match=r"30 px on its short side; K=8 scales need 36 px there.*K to 4"):
        choose_rho(30, num_scales=8)
    choose_rho(36, num_scales=8)
    choose_rho(30, num_scales=4)


@pytest.mark.parametrize(("num_scales", "rho"), [(0, 2.0), (3, 1.0), (3, float("nan"))])
def test_no_pyramid(num_scales: int, rho: float):
    with pytest.raises(ValueError, match="num_scales >= 1 and rho > 1"):
        scale_sizes((100, 100), num_scales=num_scales, rho=rho)


def test_levels_are_the_seed_resized_and_the_last_is_the_seed(generator: torch.Generator):
    seed = torch.rand(1, 3, 53, 71, generator=generator)
    sizes = scale_sizes((53, 71), num_scales=3, rho=1.4)
    levels = seed_levels(seed, sizes)
    assert [tuple(level.shape[-2:]) for level in levels] == list(sizes)
    assert torch.equal(levels[-1], seed)
    assert torch.equal(levels[0], resize(seed, sizes[0], kernel="lanczos").clamp(0, 1))
    assert all(level.min() >= 0 and level.max() <= 1 for level in levels)
