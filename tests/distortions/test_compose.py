"""Distortions one after the other."""

from __future__ import annotations

import pickle

import pytest
import torch

from mdfloss.distortions import (
    Compose,
    GaussianBlur,
    GaussianNoise,
    Jpeg,
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


def test_wrong_members() -> None:
    with pytest.raises(ValueError, match="distortions must hold at least one distortion, got none"):
        Compose([])
    with pytest.raises(TypeError, match=r"distortions must be callable with \(image, generator\), got 3"):
        Compose([3])  # type: ignore[list-item]
