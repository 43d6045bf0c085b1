"""Seed images: what the paper says of each synthetic one, measured."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch

from mdfloss.images import write_image
from mdfloss.seeds import (
    PHOTOGRAPHS,
    SYNTHETIC,
    contrast_rings,
    load_seed,
    photograph,
    pink_noise,
    pyramid_permutation,
)


@pytest.mark.parametrize("name", sorted(PHOTOGRAPHS))
def test_photographs_are_there_without_a_network(name: str) -> None:
    image = photograph(name, channels=None)
    assert min(image.shape[2:]) >= 300
    assert image.std() > 0.05


@pytest.mark.parametrize("name", SYNTHETIC)
@pytest.mark.parametrize("channels", [1, 3])
def test_synthetic_seeds_by_name(name: str, channels: int) -> None:
    seed = load_seed(name, channels=channels)  # type: ignore[arg-type]
    assert seed.shape == (1, channels, 512, 512)
    assert seed.min() >= 0
    assert seed.max() <= 1
    assert torch.equal(seed, load_seed(name, channels=channels))  # type: ignore[arg-type]


def test_paths_and_names(tmp_path: Path) -> None:
    write_image(tmp_path / "own.png", torch.rand(1, 1, 9, 7))
    assert load_seed(tmp_path / "own.png").shape == (1, 3, 9, 7)
    assert torch.equal(load_seed("coffee"), photograph("coffee"))
    assert load_seed("pyramid-permutation:coffee").shape == (1, 3, 400, 600)
    with pytest.raises(FileNotFoundError, match="castle: no such file, and no seed of that name; there are astronaut"):
        load_seed("castle")
    with pytest.raises(ValueError, match=r"name must be one of astronaut, .*, got 'castle'"):
        photograph("castle")


def test_pink_noise_has_a_falling_spectrum(generator: torch.Generator) -> None:
    image = pink_noise((256, 256), generator=generator)
    assert image.mean().item() == pytest.approx(0.5, abs=0.02)
    assert image.std().item() == pytest.approx(0.18, abs=0.02)
    power = torch.fft.rfft2(image.mean(1)[0]).abs().square()
    frequency = torch.hypot(torch.fft.fftfreq(256)[:, None], torch.fft.rfftfreq(256)[None])
    kept = (frequency > 0.02) & (frequency < 0.4)
    x, y = frequency[kept].log(), power[kept].log()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
    assert slope.item() == pytest.approx(-2, abs=0.15)


def test_rings_lose_contrast_towards_the_centre() -> None:
    image = contrast_rings((200, 240), channels=1)[0, 0]
    y, x = torch.arange(200) - 99.5, torch.arange(240) - 119.5
    distance = torch.hypot(y[:, None], x[None, :])
    spread = [image[(distance >= low) & (distance < low + 20)].std() for low in range(0, 150, 20)]
    assert all(inner < outer for inner, outer in itertools.pairwise(spread))
    assert spread[0] < 0.07
    torch.testing.assert_close(image, image.flip(0))
    torch.testing.assert_close(image, image.flip(1))


def test_permutation_keeps_the_levels_and_loses_the_picture(generator: torch.Generator) -> None:
    image = photograph("coffee")[:, :, :256, :256]
    once = pyramid_permutation(image, generator=generator, num_levels=1)
    assert torch.equal(once.flatten(2).sort(2).values, image.flatten(2).sort(2).values)
    shuffled = pyramid_permutation(image, generator=generator)
    assert torch.corrcoef(torch.stack([image.mean(1).flatten(), shuffled.mean(1).flatten()]))[0, 1].abs() < 0.4
    power, original = (torch.fft.rfft2(i[0].mean(0)).abs().square() for i in (shuffled, image))
    frequency = 256 * torch.hypot(torch.fft.fftfreq(256)[:, None], torch.fft.rfftfreq(256)[None])
    octaves = [(frequency >= low) & (frequency < 2 * low) for low in (2, 4, 8, 16, 32, 64)]
    ratios = torch.stack([power[octave].mean() / original[octave].mean() for octave in octaves])
    # The image's own octaves differ by a factor of 8000.
    assert ratios.max() / ratios.min() < 3


def test_wrong_options(generator: torch.Generator) -> None:
    with pytest.raises(ValueError, match=r"size must be at least 2 px a side, got \(1, 9\)"):
        pink_noise((1, 9), generator=generator)
    with pytest.raises(ValueError, match="saturation must be within 0 to 1, got 2"):
        pink_noise((8, 8), generator=generator, saturation=2)
    with pytest.raises(ValueError, match="num_rings must be within 1 to 22 for 64×64 px, got 500"):
        contrast_rings((64, 64), num_rings=500)
    with pytest.raises(ValueError, match=r"num_levels must be within 1 to 3 for shape \(1, 3, 16, 16\), got 9"):
        pyramid_permutation(torch.rand(1, 3, 16, 16), generator=generator, num_levels=9)
    with pytest.raises(ValueError, match=r"image must be N×C×H×W, got shape \(3, 16, 16\)"):
        pyramid_permutation(torch.rand(3, 16, 16), generator=generator)
