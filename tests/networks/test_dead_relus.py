from __future__ import annotations

import torch

from mdfloss.networks import EDSR, DnCNN, SRResNet
from mdfloss.networks.base import RestorationNetwork
from mdfloss.networks.dead_relus import DeadReluCounter


def _seen(network: RestorationNetwork, *images: torch.Tensor) -> DeadReluCounter:
    counter = DeadReluCounter()
    for image in images:
        with torch.inference_mode(), counter:
            network(image)
    return counter


def test_a_unit_that_fires_on_one_picture_is_not_dead() -> None:
    network = DnCNN(num_layers=3, num_features=4)
    first, _, second, *_ = network.model
    with torch.no_grad():
        first.weight.copy_(torch.eye(4, 3)[:, :, None, None].expand(-1, -1, 3, 3))
        first.bias.copy_(torch.tensor([0.0, 0.0, 0.0, -1.0]))
        second.bias.fill_(100)
    red, green = (torch.zeros(1, 3, 8, size) for size in (8, 11))
    red[:, 0], green[:, 1] = 1, 1
    for images, dead in (((red,), 3), ((green,), 3), ((red, green), 2)):
        counter = _seen(network, *images)
        assert (counter.dead, counter.total, counter.dead_share) == (dead, 8, dead / 8)


def test_functions_count_and_other_units_do_not(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 16, 16, generator=generator)
    assert _seen(EDSR(num_features=4, num_blocks=2), image).total == 8
    assert _seen(SRResNet(num_features=4, num_blocks=2), image).dead_share == 0
