from functools import partial

import pytest
import torch
from torch import Tensor

from mdfloss.fitting import FitConfig
from mdfloss.fitting.chain import Chain, Degradation, ScaleInput
from mdfloss.fitting.iteration import _iteration, _recorded, train_iteration, train_on_crops
from mdfloss.fitting.scale_gan import Losses, ScaleNetworks


class Notes:
    """No distortion; notes the sizes that it is given."""

    def __init__(self, sizes: set[tuple[int, ...]]) -> None:
        self.sizes = sizes

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        self.sizes.add(tuple(image.shape[-2:]))
        return image


def _inputs(generator: torch.Generator) -> ScaleInput:
    real = torch.rand(2, 3, 16, 16, generator=generator) * 2 - 1
    padded = torch.nn.functional.pad(real + 0.2 * torch.randn(real.shape, generator=generator), (5, 5, 5, 5))
    return ScaleInput(padded, torch.zeros_like(real), real)


def _train(
    networks: ScaleNetworks, generator: torch.Generator, *, critic_steps: int = 1, generator_steps: int = 1
) -> Losses:
    return train_iteration(
        networks,
        _inputs(generator),
        critic_steps=critic_steps,
        generator_steps=generator_steps,
        alpha=100.0,
        generator=generator,
    )


def test_as_many_steps_as_asked_for(generator: torch.Generator):
    networks = ScaleNetworks(4, generator=generator)
    _train(networks, generator, critic_steps=3, generator_steps=2)
    critic_steps = {int(state["step"]) for state in networks.critic_optimizer.state.values()}
    generator_steps = {int(state["step"]) for state in networks.generator_optimizer.state.values()}
    assert (critic_steps, generator_steps) == ({3}, {2})


def test_statistics_follow_every_pass(generator: torch.Generator):
    """Three passes of the critic in its own step (real, fake, mixed), one in the generator's."""
    networks = ScaleNetworks(4, generator=generator)
    _train(networks, generator, critic_steps=2, generator_steps=3)
    assert int(networks.critic.head.norm.num_batches_tracked) == 2 * 3 + 3  # type: ignore[arg-type]
    assert int(networks.generator.head.norm.num_batches_tracked) == 1 + 3  # type: ignore[arg-type]


def test_the_reconstruction_is_learnt_and_no_graph_is_left(generator: torch.Generator):
    networks = ScaleNetworks(8, generator=generator)
    losses = [_train(networks, generator) for _ in range(40)]
    assert losses[-1].reconstruction < 0.5 * losses[0].reconstruction
    assert all(each.finite for each in losses)
    assert all(p.grad is None or p.grad.grad_fn is None for p in networks.critic.parameters())


def test_all_seeds_are_trained_on():
    generator = torch.Generator().manual_seed(1)
    config = FitConfig(num_scales=1, critic_steps=1, generator_steps=1, width=4, crop_size=16, batch_size=1)
    sizes: set[tuple[int, ...]] = set()
    degradation = Degradation(Notes(sizes))
    chains = [Chain([torch.zeros(1, 3, *size)], [], degradation) for size in ((13, 20), (15, 12))]
    sizes.clear()
    networks = ScaleNetworks(4, generator=generator)
    for _ in range(12):
        train_on_crops(networks, chains, 0, config, generator=generator)
    assert sizes == {(13, 20), (15, 12)}


def test_an_infinite_loss_is_seen():
    assert Losses(0.0, 1.0, -2.0, 3.0).finite
    assert not Losses(0.0, float("nan"), 0.0, 0.0).finite
    assert not Losses(0.0, 0.0, float("inf"), 0.0).finite


@pytest.mark.gpu
def test_recorded_iterations_are_the_iterations():
    torch.backends.cudnn.allow_tf32 = False
    try:
        on_cuda = torch.Generator("cuda")
        pair = [ScaleNetworks(4, generator=on_cuda.manual_seed(0)) for _ in range(2)]
        for seed in range(4):
            padded, previous, real = (t.cuda() for t in _inputs(torch.Generator().manual_seed(seed)))
            mixes = torch.rand(2, len(real), 1, 1, 1, device="cuda", generator=on_cuda)
            for networks in pair:
                networks.set_rate(1e-3 / (1 + seed))
            iteration = [partial(_iteration, networks, generator_steps=2, alpha=100.0) for networks in pair]
            plain = iteration[0](padded, previous, real, mixes)
            torch.testing.assert_close(
                _recorded(pair[1], iteration[1], padded, previous, real, mixes), plain, rtol=1e-2, atol=1e-3
            )
        for name in ("generator", "critic"):
            wanted, found = (
                torch.cat([v.flatten().float() for v in getattr(p, name).state_dict().values()]) for p in pair
            )
            assert (found - wanted).norm() < 0.02 * wanted.norm()
    finally:
        torch.backends.cudnn.allow_tf32 = True
