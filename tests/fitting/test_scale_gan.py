import math

import pytest
import torch
from torch import Tensor, nn

from mdfloss.bank import Discriminator
from mdfloss.fitting.scale_gan import (
    Generator,
    ScaleNetworks,
    critic_loss,
    generator_loss,
    gradient_penalty,
    learning_rate,
)


class Quadratic(nn.Module):
    """D(x) = sum over channels of weight_c x_c^2: its gradient is 2 weight_c x_c, known by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64))

    def forward(self, image: Tensor) -> Tensor:
        return (self.weight[:, None, None] * image.square()).sum(1, keepdim=True)


@pytest.fixture
def images(generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    real, fake = (torch.randn(2, 3, 5, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    mix = torch.tensor([0.25, 0.9], dtype=torch.float64).reshape(2, 1, 1, 1)
    return real, fake, mix


def _penalty_by_hand(weight: list[float], real: Tensor, fake: Tensor, mix: Tensor) -> float:
    total, count = 0.0, 0
    for n in range(2):
        for y in range(5):
            for x in range(4):
                squares = 0.0
                for c in range(3):
                    mixed = mix[n].item() * real[n, c, y, x].item() + (1 - mix[n].item()) * fake[n, c, y, x].item()
                    squares += (2 * weight[c] * mixed) ** 2
                total += (math.sqrt(squares) - 1) ** 2
                count += 1
    return total / count


def test_penalty_by_hand(images: tuple[Tensor, Tensor, Tensor]):
    critic = Quadratic()
    assert gradient_penalty(critic, *images).item() == pytest.approx(
        _penalty_by_hand([0.5, -1.0, 2.0], *images), rel=1e-12
    )


def test_critic_loss_and_its_gradient_by_hand(images: tuple[Tensor, Tensor, Tensor]):
    real, fake, mix = images

    def by_hand(weight: list[float]) -> float:
        score = {
            name: sum(w * image[:, c].square() for c, w in enumerate(weight)).mean().item()  # type: ignore[union-attr]
            for name, image in (("real", real), ("fake", fake))
        }
        return -score["real"] + score["fake"] + 0.1 * _penalty_by_hand(weight, real, fake, mix)

    critic = Quadratic()
    loss, penalty = critic_loss(critic, real, fake, mix)
    loss.backward()
    assert loss.item() == pytest.approx(by_hand([0.5, -1.0, 2.0]), rel=1e-12)
    assert penalty.item() == pytest.approx(_penalty_by_hand([0.5, -1.0, 2.0], real, fake, mix), rel=1e-12)
    for c in range(3):
        step = [1e-6 if k == c else 0.0 for k in range(3)]
        more = by_hand([w + s for w, s in zip([0.5, -1.0, 2.0], step, strict=True)])
        less = by_hand([w - s for w, s in zip([0.5, -1.0, 2.0], step, strict=True)])
        assert critic.weight.grad is not None
        assert critic.weight.grad[c].item() == pytest.approx((more - less) / 2e-6, rel=1e-6)


def test_generator_loss_and_its_gradient_by_hand(images: tuple[Tensor, Tensor, Tensor]):
    real, fake, _ = images
    fake = fake.clone().requires_grad_(True)
    critic = Quadratic()
    total, adversarial, reconstruction = generator_loss(critic, real, fake, alpha=100.0)
    total.backward()
    weight = torch.tensor([0.5, -1.0, 2.0], dtype=torch.float64)[:, None, None]
    assert adversarial.item() == pytest.approx(-(weight * fake.square()).sum(1).mean().item(), rel=1e-12)
    assert reconstruction.item() == pytest.approx((fake - real).square().sum().item() / 120, rel=1e-12)
    assert total.item() == pytest.approx(adversarial.item() + 100 * reconstruction.item(), rel=1e-12)
    expected = -2 * weight * fake.detach() / 40 + 200 * (fake - real).detach() / 120
    torch.testing.assert_close(fake.grad, expected)


def test_critic_step_of_the_real_critic_improves_its_loss(generator: torch.Generator):
    networks = ScaleNetworks(8, generator=generator)
    real, fake = (torch.randn(2, 3, 16, 16, generator=generator) for _ in range(2))
    mix = torch.rand(2, 1, 1, 1, generator=generator)
    before, _ = critic_loss(networks.critic, real, fake, mix)
    before.backward()
    networks.critic_optimizer.step()
    after, _ = critic_loss(networks.critic, real, fake, mix)
    assert after.item() < before.item()


def test_generator_keeps_the_size_and_adds_to_the_previous(generator: torch.Generator):
    network = ScaleNetworks(8, generator=generator).generator
    with torch.no_grad():
        network.tail.weight.zero_()
        network.tail.bias.zero_()
    previous = torch.randn(2, 3, 7, 9, generator=generator)
    assert torch.equal(network(torch.randn(2, 3, 17, 19, generator=generator), previous), previous)


def test_first_weights_follow_the_recipe_and_leave_the_global_generator_alone(generator: torch.Generator):
    state = torch.random.get_rng_state()
    networks = ScaleNetworks(64, generator=generator)
    assert torch.equal(torch.random.get_rng_state(), state)
    for network in (networks.generator, networks.critic):
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.2)
                assert module.bias is not None
                assert module.bias.abs().max().item() <= 1 / math.sqrt(module.weight[0].numel())
            elif isinstance(module, nn.BatchNorm2d):
                assert module.weight.mean().item() == pytest.approx(1, abs=0.02)
                assert module.weight.std().item() == pytest.approx(0.02, rel=0.5)
                assert not module.bias.any()
                assert (module.running_var == 1).all()  # type: ignore[union-attr]


def test_warm_start_takes_over_weights_and_statistics(generator: torch.Generator):
    first = ScaleNetworks(8, generator=generator)
    first.generator(torch.randn(1, 3, 20, 20, generator=generator), torch.zeros(1, 3, 10, 10))
    second = ScaleNetworks(8, generator=generator, start=(first.generator, first.critic))
    pairs = ((first.generator, second.generator), (first.critic, second.critic))
    for mine, other in pairs:
        for key, value in mine.state_dict().items():
            assert torch.equal(other.state_dict()[key], value)
    assert second.generator.head.conv.weight is not first.generator.head.conv.weight


def test_rate_of_the_recipe():
    assert [learning_rate(i, iterations=10) for i in (0, 7, 8, 9)] == pytest.approx([5e-4, 5e-4, 5e-5, 5e-5])


def test_networks_see_11_px():
    assert Generator(4)(torch.zeros(1, 3, 11, 11), torch.zeros(1, 3, 1, 1)).shape == (1, 3, 1, 1)
    assert Discriminator(4)(torch.zeros(1, 3, 11, 11)).shape == (1, 1, 1, 1)


def test_a_nan_weight_is_seen(generator: torch.Generator):
    networks = ScaleNetworks(4, generator=generator)
    assert networks.finite
    networks.critic.head.norm.running_var[0] = math.inf  # type: ignore[index]
    assert not networks.finite
