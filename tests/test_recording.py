from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from mdfloss.recording import make_capturable, plain_state, record, set_rate


@pytest.mark.gpu
def test_a_recorded_step_is_the_step() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 3)).cuda()
    other = copy.deepcopy(plain)
    batch = torch.rand(4, 3, 16, 16, device="cuda")
    optimizers = [torch.optim.Adam(network.parameters(), lr=0.5) for network in (plain, other)]
    make_capturable(optimizers[1], batch.device)

    def step(network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad(set_to_none=True)
        network(batch).square().mean().backward()
        optimizer.step()

    graph = record(
        lambda: step(other, optimizers[1]),
        changed=list(other.state_dict().values()),
        optimizers=optimizers[1:],
    )
    for seed in range(5):
        batch.copy_(torch.rand(batch.shape, generator=torch.Generator().manual_seed(seed)))
        for optimizer in optimizers:
            set_rate(optimizer, 1e-3 / (1 + seed))
        step(plain, optimizers[0])
        graph.replay()
    for a, b in zip(plain.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    assert plain_state(optimizers[1])["param_groups"][0]["lr"] == pytest.approx(2e-4)
    torch.optim.Adam(plain.cpu().parameters()).load_state_dict(plain_state(optimizers[1]))
