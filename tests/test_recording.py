from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mdfloss import MDFLoss
from mdfloss.recording import CALLS_BEFORE, make_capturable, plain_state, record, run_in_turn, set_rate


def _pair(seed: int, size: int = 40) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    target = torch.rand(2, 3, size, size, generator=generator)
    return (target + 0.1 * torch.randn(target.shape, generator=generator)), target


def _value_and_slope(loss: nn.Module, pair: tuple[Tensor, Tensor], device: str) -> tuple[Tensor, Tensor]:
    pred, target = (image.to(device) for image in pair)
    pred.requires_grad_()
    value = loss(pred, target)
    value.backward()
    assert pred.grad is not None
    return value.detach().cpu(), pred.grad.cpu()


def test_work_in_turn_is_added_up() -> None:
    def work(factor: float) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor | None]]:
        return lambda pred, target: (factor * (pred - target).sum(dim=(1, 2, 3)), None)

    pred, target = _pair(0)
    distances, gradient = run_in_turn([work(1.0), work(2.0)], pred, target)
    torch.testing.assert_close(distances, 3 * (pred - target).sum(dim=(1, 2, 3)))
    assert gradient is None


@pytest.mark.gpu
@pytest.mark.parametrize("options", [{}, {"scales_per_step": 2}, {"definition": "paper"}])
def test_a_recorded_loss_is_the_loss(options: dict[str, object]) -> None:
    on_cpu, on_cuda = (MDFLoss("denoise_small", **options) for _ in range(2))  # type: ignore[arg-type]
    on_cuda.cuda()
    torch.backends.cudnn.allow_tf32 = False
    try:
        for seed in range(4 * CALLS_BEFORE + 6):
            on_cpu.reseed(seed)
            on_cuda.reseed(seed)
            wanted, found = _value_and_slope(on_cpu, _pair(seed), "cpu"), _value_and_slope(on_cuda, _pair(seed), "cuda")
            torch.testing.assert_close(found[0], wanted[0], rtol=1e-4, atol=1e-6)
            assert torch.cosine_similarity(found[1].flatten(), wanted[1].flatten(), dim=0) > 0.999
    finally:
        torch.backends.cudnn.allow_tf32 = True


@pytest.mark.gpu
def test_results_of_a_graph_are_the_callers_own() -> None:
    loss = MDFLoss("denoise_small").cuda()
    pairs = [tuple(image.cuda() for image in _pair(seed)) for seed in (0, 1)]
    for _ in range(CALLS_BEFORE + 1):
        alone = [loss(*pair).item() for pair in pairs]
    preds = [pair[0].clone().requires_grad_() for pair in pairs]
    (loss(preds[0], pairs[0][1]) + 2 * loss(preds[1], pairs[1][1])).backward()
    for pred, pair, factor in zip(preds, pairs, (1, 2), strict=True):
        by_itself = pair[0].clone().requires_grad_()
        (factor * loss(by_itself, pair[1])).backward()
        torch.testing.assert_close(pred.grad, by_itself.grad)
    assert [loss(*pair).item() for pair in pairs] == pytest.approx(alone, rel=1e-5)


@pytest.mark.gpu
def test_weights_that_change_are_seen() -> None:
    loss = MDFLoss("denoise_small").cuda()
    pred, target = (image.cuda() for image in _pair(0))
    for _ in range(CALLS_BEFORE + 2):
        before = loss(pred, target).item()
    with torch.no_grad():
        for parameter in loss.bank.parameters():
            parameter.mul_(1.1)
    for _ in range(CALLS_BEFORE + 2):
        assert loss(pred, target).item() != pytest.approx(before, rel=1e-3)


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
