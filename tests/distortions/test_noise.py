"""Noise: its statistics, one strength for each image, the generator as the only source of chance."""

from __future__ import annotations

import pickle

import pytest
import torch

from mdfloss.distortions import GaussianNoise, PoissonGaussianNoise


def _gray(value: float, count: int = 4, channels: int = 3) -> torch.Tensor:
    return torch.full((count, channels, 128, 128), value)


@pytest.mark.parametrize("channels", [1, 3])
def test_gaussian_noise_has_its_sigma_and_is_not_clipped(generator: torch.Generator, channels: int) -> None:
    noisy = GaussianNoise(25)(_gray(0.0, channels=channels), generator)
    assert noisy.std().item() * 255 == pytest.approx(25, rel=0.02)
    assert noisy.min() < 0
    assert abs(noisy.mean().item()) < 1e-3


def test_each_image_draws_its_own_sigma_from_the_range(generator: torch.Generator) -> None:
    noisy = GaussianNoise((10, 50))(torch.zeros(200, 1, 32, 32), generator)
    sigmas = 255 * noisy.flatten(1).std(1)
    assert 9 < sigmas.min() < 14
    assert 46 < sigmas.max() < 55
    assert sigmas.mean().item() == pytest.approx(30, abs=3)


def test_no_noise_at_zero(generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 9, 7, generator=generator)
    assert torch.equal(GaussianNoise(0)(image, generator), image)


def test_poisson_gaussian_variance(generator: torch.Generator) -> None:
    distortion = PoissonGaussianNoise(photons=100, sigma=10)
    for value in (0.0, 0.25, 1.0):
        noisy = distortion(_gray(value, 16), generator)
        assert noisy.var().item() == pytest.approx(value / 100 + (10 / 255) ** 2, rel=0.02)
        assert noisy.mean().item() == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize("distortion", [GaussianNoise(), PoissonGaussianNoise()])
def test_equal_generators_give_equal_noise(distortion: GaussianNoise) -> None:
    image = _gray(0.5)
    before = image.clone()
    one, two, other = (distortion(image, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(image, before)
    assert pickle.loads(pickle.dumps(distortion)) == distortion


def test_global_randomness_is_left_alone(generator: torch.Generator) -> None:
    state = torch.random.get_rng_state()
    PoissonGaussianNoise()(_gray(0.5), generator)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_dtype_and_gradient_pass_through(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    noisy = GaussianNoise(10)(image, generator)
    assert noisy.dtype == torch.float64
    noisy.sum().backward()
    assert torch.equal(image.grad, torch.ones_like(image))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sigma": -1}, r"sigma must be at least 0 \(in 1/255\), got -1"),
        ({"sigma": (30, 10)}, r"sigma must be \(lowest, highest\), got \(30, 10\): swap the two"),
        ({"sigma": float("nan")}, "sigma must be at least 0"),
    ],
)
def test_impossible_strengths(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GaussianNoise(**arguments)


@pytest.mark.parametrize("sigma", ["25", (1, 2, 3), True, None])
def test_strengths_that_are_no_numbers(sigma: object) -> None:
    with pytest.raises(TypeError, match=r"sigma must be a number or a pair \(lowest, highest\), got"):
        GaussianNoise(sigma)  # type: ignore[arg-type]


def test_no_photons() -> None:
    with pytest.raises(ValueError, match=r"photons must be at least 0\.001, got 0"):
        PoissonGaussianNoise(photons=0)


@pytest.mark.gpu
@pytest.mark.parametrize("distortion", [GaussianNoise(), PoissonGaussianNoise()])
def test_cuda_image_with_cpu_generator_equals_cpu(distortion: GaussianNoise) -> None:
    image = torch.rand(2, 3, 16, 16)
    on_cpu = distortion(image, torch.Generator().manual_seed(0))
    on_cuda = distortion(image.cuda(), torch.Generator().manual_seed(0))
    assert on_cuda.is_cuda
    torch.testing.assert_close(on_cuda.cpu(), on_cpu)
