from __future__ import annotations

import pytest
import torch

from mdfloss.networks import DnCNN


@pytest.mark.parametrize("size", [(1, 1), (37, 31), (48, 48)])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_keeps_any_size(size: tuple[int, int], in_channels: int, generator: torch.Generator) -> None:
    network = DnCNN(num_layers=4, num_features=8, in_channels=in_channels)
    image = torch.rand(2, in_channels, *size, generator=generator)
    assert network(image).shape == image.shape


@pytest.mark.parametrize("num_layers, num_features, count", [(20, 64, 668_227), (17, 64, 557_443), (7, 32, 48_003)])
def test_parameter_counts(num_layers: int, num_features: int, count: int) -> None:
    # 3×3 weights and biases: (3·9 + 1)·n + (n·9 + 1)·n·(layers − 2) + (n·9 + 1)·3
    network = DnCNN(num_layers=num_layers, num_features=num_features)
    assert sum(p.numel() for p in network.parameters()) == count


def test_predicts_what_is_taken_away(generator: torch.Generator) -> None:
    network = DnCNN(num_layers=3, num_features=4)
    torch.nn.init.zeros_(network.model[-1].weight)
    torch.nn.init.constant_(network.model[-1].bias, 0.25)
    image = torch.rand(1, 3, 8, 8, generator=generator)
    assert torch.allclose(network(image), image - 0.25)


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("num_layers", [8, 17, 20])
def test_spandrel_recognises_it_and_computes_the_same(
    num_layers: int, batch_norm: bool, generator: torch.Generator
) -> None:
    spandrel = pytest.importorskip("spandrel")
    network = DnCNN(num_layers=num_layers, num_features=8, batch_norm=batch_norm)
    network.initialise(generator)
    for name, value in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 1.5, generator=generator)
    image = torch.rand(1, 3, 37, 31, generator=generator)
    found = spandrel.ModelLoader().load_from_state_dict(network.state_dict())
    assert found.architecture.id == "DnCNN"
    assert torch.allclose(found.model.eval()(image), network.eval()(image), atol=1e-6)


@pytest.mark.parametrize("arguments", [{"num_layers": 1}, {"num_features": 0}])
def test_too_small_a_network_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"num_layers of at least 2, got 1|num_features must be at least 1, got 0"):
        DnCNN(**arguments)


def test_a_fresh_network_hands_its_input_on_and_no_signal_fades(generator: torch.Generator) -> None:
    network = DnCNN()
    network.initialise(generator)
    image = torch.rand(2, 3, 40, 40, generator=generator)
    with torch.no_grad():
        assert torch.equal(network(image), image)
        first = network.model[:2](image).square().mean()
        last = network.model[:-1](image).square().mean()
    assert 0.1 < last / first < 10
    network.initialise(torch.Generator().manual_seed(0))
    again = DnCNN()
    again.initialise(torch.Generator().manual_seed(0))
    for a, b in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_layer_with_batch_norm_is_drawn_too(generator: torch.Generator) -> None:
    network = DnCNN(num_layers=4, num_features=8, batch_norm=True)
    network.initialise(generator)
    assert network.model[2].weight.detach().std().item() == pytest.approx((2 / (8 * 9)) ** 0.5, rel=0.2)
