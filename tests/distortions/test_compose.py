"""Distortions one after the other, or one of several."""

from __future__ import annotations

import pickle

import pytest
import torch

from mdfloss.distortions import (
    Compose,
    GaussianBlur,
    GaussianNoise,
    Jpeg,
    OneOf,
    describe_distortion,
    load_distortion,
)


def test_order_and_generator(generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 24, 24, generator=generator)
    noise, codec = GaussianNoise(), Jpeg()
    by_hand = torch.Generator().manual_seed(5)
    expected = codec(noise(image, by_hand), by_hand)
    assert torch.equal(Compose([noise, codec])(image, torch.Generator().manual_seed(5)), expected)


def test_description_and_pickle_bring_it_back() -> None:
    chain = Compose([GaussianBlur((1, 2)), Compose([GaussianNoise(5)]), Jpeg((7, 10))])
    assert load_distortion(**describe_distortion(chain)) == chain
    assert pickle.loads(pickle.dumps(chain)) == chain


def test_one_of_gives_each_image_one_and_all_get_their_share() -> None:
    image = torch.full((400, 1, 2, 2), 0.5)
    result = OneOf([_plus_quarter, _minus_quarter])(image, torch.Generator().manual_seed(3))
    means = result.mean((1, 2, 3))
    assert set(means.tolist()) == {0.25, 0.75}
    assert abs((means > 0.5).sum().item() - 200) < 40  # four standard deviations of a fair draw


def test_one_of_is_brought_back_by_its_description() -> None:
    either = OneOf([GaussianBlur((1, 2)), GaussianNoise(5)])
    assert load_distortion(**describe_distortion(either)) == either
    image = torch.rand(6, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    first, second = (either(image, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, second)


def _plus_quarter(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return image + 0.25


def _minus_quarter(image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return image - 0.25


@pytest.mark.parametrize("kind", [Compose, OneOf])
def test_wrong_members(kind: type[Compose] | type[OneOf]) -> None:
    with pytest.raises(ValueError, match="distortions must hold at least one distortion, got none"):
        kind([])
    with pytest.raises(TypeError, match=r"distortions must be callable with \(image, generator\), got 3"):
        kind([3])  # type: ignore[list-item]
