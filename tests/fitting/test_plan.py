import itertools

import pytest
import torch
from torch import nn

from mdfloss.distortions import GaussianNoise
from mdfloss.fitting import FitConfig, plan_fit
from mdfloss.fitting.chain import Chain, Degradation
from mdfloss.fitting.plan import chain_windows, measure_speed
from mdfloss.fitting.scale_gan import ScaleNetworks
from mdfloss.fitting.windows import random_windows

TINY = FitConfig.preset("quick", num_scales=3, iterations=2, width=4, crop_size=24, rho=1.5)


def test_the_plan_says_what_every_scale_is():
    plan = plan_fit([(100, 150), (90, 300)], TINY)
    assert plan.rho == 1.5
    assert [scale.sizes for scale in plan.scales] == [
        ((44, 67), (40, 133)),
        ((67, 100), (60, 200)),
        ((100, 150), (90, 300)),
    ]
    assert [scale.width for scale in plan.scales] == [4, 4, 4]
    assert plan.seconds(2, speed=plan.scales[2].work) == pytest.approx(2)


def test_work_grows_with_the_scale_the_width_and_the_steps():
    works = [scale.work for scale in plan_fit([(200, 200)], TINY).scales]
    assert all(a < b for a, b in itertools.pairwise(works))
    wide = plan_fit([(200, 200)], FitConfig.preset("quick", num_scales=3, width=8, crop_size=24, rho=1.5))
    assert 3 < wide.scales[2].work / works[2] < 4
    assert plan_fit([(200, 200)], FitConfig(num_scales=3, width=4, crop_size=24, rho=1.5)).scales[2].work > works[2]


def test_no_seed_and_too_small_a_seed():
    with pytest.raises(ValueError, match="at least one seed image, got none"):
        plan_fit([], TINY)
    with pytest.raises(ValueError, match=r"seed is 20x400; K=3 with rho=1.5 needs 25 px"):
        plan_fit([(300, 300), (20, 400)], TINY)


def _pixels_of_an_iteration(side: int) -> list[int]:
    """Output pixels of every generator that one iteration at the finest scale runs through."""
    generator = torch.Generator().manual_seed(0)
    sizes = [scale.sizes[0] for scale in plan_fit([(side, side)], TINY).scales]
    pixels: list[int] = []

    def count(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        pixels.append(output[:, 0].numel())

    networks = [ScaleNetworks(4, generator=generator).generator.eval() for _ in sizes]
    for network in networks:
        network.register_forward_hook(count)
    levels = [torch.zeros(1, 3, *size) for size in sizes]
    chain = Chain(levels, networks, Degradation(GaussianNoise()))
    window = random_windows(sizes[2], crop_size=24, batch_size=1, generator=generator)
    chain.output(2, window, generator)
    expected = [height * width for height, width in chain_windows(sizes, (24, 24))]
    assert pixels == pytest.approx(expected, rel=0.15)
    return pixels


def test_cost_does_not_grow_with_the_seed():
    small, large = _pixels_of_an_iteration(150), _pixels_of_an_iteration(1200)
    assert large == pytest.approx(small, rel=0.1)
    works = [plan_fit([(side, side)], TINY).scales[2].work for side in (150, 1200)]
    assert works[1] == pytest.approx(works[0], rel=0.02)


def test_speed_is_measured_on_what_a_distortion_is_promised():
    def poisson(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return torch.poisson(100 * image, generator=generator) / 100  # an error where a value is negative

    assert measure_speed(plan_fit([(60, 60)], TINY), TINY, poisson) > 0


def test_speed_is_measured_without_touching_the_global_generator():
    state = torch.random.get_rng_state()
    assert measure_speed(plan_fit([(60, 60)], TINY), TINY, GaussianNoise()) > 0
    assert torch.equal(torch.random.get_rng_state(), state)
