from __future__ import annotations

import pytest
import torch

from mdfloss.networks import EDSR


@pytest.mark.parametrize(
    "arguments, count",
    [({}, 1_517_571), ({"num_features": 256, "num_blocks": 32, "residual_scale": 0.1}, 43_089_923)],
    ids=["baseline", "large"],
)
def test_parameter_counts_of_the_paper(arguments: dict[str, float], count: int) -> None:
    with torch.device("meta"):
        network = EDSR(**arguments)
    assert sum(p.numel() for p in network.parameters()) == count


@pytest.mark.parametrize("upscale", [2, 3, 4, 8])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_enlarges_any_size(upscale: int, in_channels: int, generator: torch.Generator) -> None:
    network = EDSR(num_features=4, num_blocks=2, upscale=upscale, in_channels=in_channels)
    lr = torch.rand(2, in_channels, 9, 7, generator=generator)
    assert network(lr).shape == (2, in_channels, 9 * upscale, 7 * upscale)


def test_the_mean_colour_is_no_weight_and_returns() -> None:
    network = EDSR(num_features=4, num_blocks=1)
    torch.nn.init.zeros_(network.conv_last.weight)
    torch.nn.init.zeros_(network.conv_last.bias)
    assert "mean" not in network.state_dict()
    assert torch.allclose(network(torch.rand(1, 3, 2, 2))[0, :, 3, 5], torch.tensor([0.4488, 0.4371, 0.4040]))


def test_keys_are_those_of_basicsr() -> None:
    keys = set(EDSR(num_features=4, num_blocks=2).state_dict())
    names = ["conv_first", "body.0.conv1", "body.1.conv2", "conv_after_body", "upsample.0", "upsample.2", "conv_last"]
    assert {f"{name}.weight" for name in names} <= keys


def test_other_factors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"upscale must be one of \(1, 2, 3, 4, 8\), got 5"):
        EDSR(upscale=5)
