from __future__ import annotations

import pytest
import torch

from mdfloss.networks import RRDBNet


def test_parameter_count_of_the_paper() -> None:
    with torch.device("meta"):
        network = RRDBNet()
    assert sum(p.numel() for p in network.parameters()) == 16_697_987


@pytest.mark.parametrize("upscale", [1, 2, 4, 8])
def test_spandrel_recognises_it_and_computes_the_same(upscale: int, generator: torch.Generator) -> None:
    spandrel = pytest.importorskip("spandrel")
    network = RRDBNet(num_features=8, num_blocks=2, upscale=upscale)
    network.initialise(generator)
    lr = torch.rand(1, 3, 13, 9, generator=generator)
    found = spandrel.ModelLoader().load_from_state_dict(network.state_dict())
    assert (found.architecture.id, found.scale) == ("ESRGAN", upscale)
    with torch.no_grad():
        assert torch.allclose(found.model.eval()(lr), network.eval()(lr), atol=1e-5)


def test_dense_blocks_start_small(generator: torch.Generator) -> None:
    network = RRDBNet(num_features=16, num_blocks=1)
    network.initialise(generator)
    dense, plain = network.body[0].rdb1.conv1.weight, network.conv_body.weight
    assert dense.std().item() == pytest.approx(0.1 * plain.std().item(), rel=0.1)


def test_a_factor_that_is_no_power_of_two_is_refused() -> None:
    with pytest.raises(ValueError, match="upscale must be 1, 2, 4 or 8, got 3"):
        RRDBNet(upscale=3)
