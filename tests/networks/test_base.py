from __future__ import annotations

import pytest
import torch
from torch import nn

from mdfloss.networks import EDSR, DnCNN, RestorationNetwork, RRDBNet, SRResNet, initialise


def test_weights_depend_on_the_generator_alone() -> None:
    first, second = DnCNN(num_layers=3, num_features=4), DnCNN(num_layers=3, num_features=4)
    state = torch.get_rng_state()
    first.initialise(torch.Generator().manual_seed(5))
    second.initialise(torch.Generator().manual_seed(5))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_weights_have_the_spread_that_torch_gives_by_default(generator: torch.Generator) -> None:
    theirs, ours = nn.Conv2d(16, 256, 3), nn.Conv2d(16, 256, 3)
    initialise(ours, generator)
    assert ours.weight.std().item() == pytest.approx(theirs.weight.std().item(), rel=0.05)
    assert ours.bias.abs().max().item() == pytest.approx(1 / 12, rel=0.05)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"in_channels": 0}, "in_channels must be at least 1, got 0"),
        ({"in_channels": 3, "upscale": 5}, r"upscale must be one of \(1, 2, 3, 4, 8\), got 5"),
    ],
)
def test_impossible_networks_are_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RestorationNetwork(arguments={}, **arguments)


def test_networks_without_a_block_or_feature_are_refused() -> None:
    for build in (EDSR, SRResNet, RRDBNet):
        with pytest.raises(ValueError, match="num_blocks must be at least 1, got 0"):
            build(num_blocks=0)
        with pytest.raises(ValueError, match="num_features must be at least 1, got -3"):
            build(num_features=-3)
