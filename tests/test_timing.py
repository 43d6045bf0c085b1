"""The probe: a time, and nothing left behind."""

import torch

from mdfloss.losses import build_loss
from mdfloss.networks import build_network
from mdfloss.timing import seconds_a_step


def test_probe_leaves_the_network_as_it_was() -> None:
    network = build_network("DnCNN", num_layers=3, num_features=4)
    before = {name: value.clone() for name, value in network.state_dict().items() if "num_batches" not in name}
    assert seconds_a_step(network.eval(), build_loss("l1"), batch_size=2, patch_size=16, probes=3) > 0
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
