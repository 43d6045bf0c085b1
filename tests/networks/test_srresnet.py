from __future__ import annotations

import pytest
import torch

from mdfloss.networks import SRResNet


def test_parameter_count_of_the_paper() -> None:
    assert sum(p.numel() for p in SRResNet().parameters()) == 1_549_462


@pytest.mark.parametrize("upscale", [2, 3, 4])
def test_enlarges_any_size(upscale: int, generator: torch.Generator) -> None:
    network = SRResNet(num_features=4, num_blocks=2, upscale=upscale)
    lr = torch.rand(2, 3, 9, 7, generator=generator)
    assert network(lr).shape == (2, 3, 9 * upscale, 7 * upscale)


def test_keys_follow_kairs_scheme() -> None:
    keys = set(SRResNet(num_features=4, num_blocks=2).state_dict())
    assert {"model.0.weight", "model.2.sub.0.res.0.weight", "model.2.sub.1.res.4.running_var"} <= keys
