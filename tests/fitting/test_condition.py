"""Pairs to whiten on: from every seed, of one size, seeded; and a distortion that does nothing is refused."""

from __future__ import annotations

import pytest
import torch

from mdfloss.distortions import Downscale, GaussianNoise
from mdfloss.fitting.chain import Degradation
from mdfloss.fitting.condition import NUM_PATCHES, conditioning_pairs


def test_pairs_are_seeded_and_differ_by_the_distortion(generator: torch.Generator) -> None:
    seeds = [torch.rand(1, 3, *size, generator=generator) for size in ((60, 200), (130, 120))]
    clean, distorted = conditioning_pairs(seeds, Degradation(GaussianNoise(25.0)), random_seed=3)
    assert clean.shape == distorted.shape == (NUM_PATCHES, 3, 60, 60)
    assert 0 <= clean.min() <= clean.max() <= 1
    assert (distorted - clean).std().item() == pytest.approx(25 / 255, rel=0.02)
    again = conditioning_pairs(seeds, Degradation(GaussianNoise(25.0)), random_seed=3)
    assert torch.equal(clean, again[0])
    assert torch.equal(distorted, again[1])


def test_a_sampling_task_keeps_the_size(generator: torch.Generator) -> None:
    seed = torch.rand(1, 3, 50, 70, generator=generator)
    clean, distorted = conditioning_pairs([seed], Degradation(Downscale(4)), random_seed=0)
    assert clean.shape == distorted.shape


def test_a_distortion_that_does_nothing_is_refused_before_the_fit() -> None:
    with pytest.raises(ValueError, match="the distortion leaves the seed as it is"):
        conditioning_pairs([torch.zeros(1, 3, 40, 40)], Degradation(GaussianNoise(0.0)), random_seed=0)


def test_a_seed_in_another_range_is_refused():
    with pytest.raises(ValueError, match=r"within \[0, 1\], got -1 to 1"):
        conditioning_pairs(
            [torch.linspace(-1, 1, 3 * 400).view(1, 3, 20, 20)], Degradation(GaussianNoise()), random_seed=0
        )
