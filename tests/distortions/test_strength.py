"""Strengths: checked once, drawn for each image."""

from __future__ import annotations

import pytest
import torch

from mdfloss.distortions.strength import checked_strength, draw, draw_whole, highest


def test_a_list_becomes_a_pair_and_a_number_stays() -> None:
    assert checked_strength("sigma", [0, 55]) == (0, 55)
    assert checked_strength("sigma", 25) == 25
    assert highest((0, 55)) == 55
    assert highest(25) == 25


def test_limits_are_said() -> None:
    with pytest.raises(ValueError, match="quality must be within 1 to 100, got 0"):
        checked_strength("quality", 0, low=1, high=100, integer=True)
    with pytest.raises(TypeError, match="quality must be a whole number or a pair"):
        checked_strength("quality", 7.5, low=1, high=100, integer=True)


def test_draws_are_uniform_and_within(generator: torch.Generator) -> None:
    drawn = draw((2.0, 4.0), 5000, generator)
    assert drawn.min() >= 2
    assert drawn.max() <= 4
    assert drawn.mean().item() == pytest.approx(3, abs=0.03)
    assert set(draw_whole((7, 10), 500, generator)) == {7, 8, 9, 10}


def test_fixed_strengths_take_nothing_from_the_generator(generator: torch.Generator) -> None:
    before = generator.get_state()
    assert draw(3, 2, generator).tolist() == [3, 3]
    assert draw_whole(8, 2, generator) == [8, 8]
    assert torch.equal(generator.get_state(), before)
