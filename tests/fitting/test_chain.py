import functools

import pytest
import torch
from torch import Tensor

from mdfloss.distortions import Downscale, GaussianNoise, Jpeg
from mdfloss.fitting.chain import Chain, Degradation
from mdfloss.fitting.pyramid import scale_sizes, seed_levels
from mdfloss.fitting.scale_gan import ScaleNetworks
from mdfloss.fitting.windows import Window, cut, random_windows


def brighten(image: Tensor, generator: torch.Generator, amount: float = 0.1) -> Tensor:
    return image + amount


def text(image: Tensor, generator: torch.Generator) -> str:
    return "no image"


def nan(image: Tensor, generator: torch.Generator) -> Tensor:
    return image * float("nan")


def _chain(generator: torch.Generator, distortion, **options) -> Chain:
    size = (61, 83)
    seed = torch.rand(1, 3, *size, generator=generator)
    sizes = scale_sizes(size, num_scales=3, rho=1.5)
    networks = [ScaleNetworks(4, generator=generator).generator.eval() for _ in sizes]
    for network in networks:
        for module in (network.head, *network.body):
            module.norm.running_mean.normal_(generator=generator)
    return Chain(seed_levels(seed, sizes), networks, Degradation(distortion), **options)


def _whole(chain: Chain, scale_index: int) -> Window:
    return Window(torch.tensor([0]), torch.tensor([0]), chain.size(scale_index))


@pytest.mark.parametrize("residual", ["previous", "distorted"])
def test_a_crop_is_the_same_problem_as_the_whole_level(residual: str, generator: torch.Generator):
    """Zero padding at the level's border and nowhere else; context from beyond the crop, at every scale."""
    chain = _chain(generator, brighten, residual=residual)
    whole = chain.output(2, _whole(chain, 2), generator)
    window = random_windows(chain.size(2), crop_size=19, batch_size=12, generator=generator)
    window.top[:4], window.left[:4] = torch.tensor([0, 42, 0, 42]), torch.tensor([0, 64, 64, 0])
    torch.testing.assert_close(chain.output(2, window, generator), cut(whole, window), atol=2e-5, rtol=1e-5)


def test_the_input_is_distorted_and_what_it_is_added_to_is_not(generator: torch.Generator):
    chain = _chain(generator, brighten)
    fed = chain.generator_input(2, _whole(chain, 2), generator)
    inner = fed.padded[..., 5:-5, 5:-5]
    torch.testing.assert_close(inner, fed.previous + 0.2)
    assert not fed.padded[..., :5, :].any()
    assert not fed.padded[..., -5:].any()
    assert torch.equal(fed.real, chain.levels[2] * 2 - 1)


def test_the_coarsest_input_is_the_distorted_seed(generator: torch.Generator):
    chain = _chain(generator, brighten)
    fed = chain.generator_input(0, _whole(chain, 0), generator)
    torch.testing.assert_close(fed.padded[..., 5:-5, 5:-5], chain.levels[0] * 2 - 1 + 0.2)
    assert not fed.previous.any()


def test_every_draw_is_new_and_depends_on_the_generator_only(generator: torch.Generator):
    chain = _chain(generator, GaussianNoise())
    window = _whole(chain, 1)
    first, second = (chain.generator_input(1, window, torch.Generator().manual_seed(3)).padded for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(
        chain.generator_input(1, window, generator).padded, chain.generator_input(1, window, generator).padded
    )


def test_noise_has_its_strength_in_units_of_0_to_1(generator: torch.Generator):
    image = torch.zeros(1, 3, 200, 200)
    noisy = Degradation(GaussianNoise(sigma=51.0))(image, generator)
    assert noisy.std().item() == pytest.approx(2 * 51 / 255, rel=0.02)


def test_super_resolution_acts_on_the_coarsest_scale_only(generator: torch.Generator):
    chain = _chain(generator, Downscale(4))
    assert chain.degradation.changes_size
    coarsest, finer = (chain.generator_input(k, _whole(chain, k), generator) for k in (0, 1))
    assert torch.equal(finer.padded[..., 5:-5, 5:-5], finer.previous)
    seen, clean = coarsest.padded[..., 5:-5, 5:-5], chain.levels[0] * 2 - 1
    assert seen.shape == clean.shape
    assert seen.diff(dim=-1).square().mean() < 0.2 * clean.diff(dim=-1).square().mean()


@pytest.mark.parametrize("factor", [2, 3, 4, 5])
def test_any_size_can_be_downscaled_and_brought_back_in_place(factor: int, generator: torch.Generator):
    ramp = torch.linspace(-0.8, 0.8, 37)[None, None, None, :].expand(1, 3, 29, 37)
    degraded = Degradation(Downscale(factor))(ramp, generator)
    torch.testing.assert_close(degraded[..., 8:-12], ramp[..., 8:-12], atol=0.01, rtol=0)


def test_jpeg_sees_8_bit_images(generator: torch.Generator):
    degradation = Degradation(Jpeg())
    assert not degradation.changes_size
    degraded = degradation(torch.rand(2, 3, 33, 26, generator=generator) * 4 - 2, generator)
    assert degraded.shape == (2, 3, 33, 26)
    assert -1 <= degraded.min() < degraded.max() <= 1


def test_a_function_with_arguments_is_a_distortion(generator: torch.Generator):
    degradation = Degradation(functools.partial(brighten, amount=0.25))
    assert degradation(torch.zeros(1, 3, 4, 4), generator).unique().tolist() == [0.5]


def test_what_is_no_distortion_is_refused_before_it_is_used():
    with pytest.raises(ValueError, match="must return a tensor"):
        Degradation(text)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="NaN or infinite"):
        Degradation(nan)
