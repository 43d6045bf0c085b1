from __future__ import annotations

import pytest
import torch

from mdfloss.input_range import from_input_range, to_input_range


@pytest.mark.parametrize("input_range", [(-1.0, 1.0), (0.0, 1.0), (0.0, 255.0), (-0.5, 2.0)])
def test_black_and_white_are_the_ends_and_the_way_back_is_the_way(input_range: tuple[float, float]) -> None:
    image = torch.linspace(0, 1, 256, dtype=torch.float64)
    mapped = to_input_range(image, input_range)
    assert (mapped[0].item(), mapped[-1].item()) == input_range
    torch.testing.assert_close(from_input_range(mapped, input_range), image, rtol=0, atol=1e-15)


def test_bits_of_a_fit_are_those_of_the_plain_formula(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 64, 64, generator=generator)
    assert torch.equal(to_input_range(image), image * 2 - 1)
    noisy = torch.randn(1, 3, 64, 64, generator=generator)
    assert torch.equal(from_input_range(noisy), (noisy + 1) / 2)
