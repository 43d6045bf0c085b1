"""What is measured: nothing needs a download, and the random trunks do the work of VGG and LPIPS."""

from __future__ import annotations

import pickle

import lpips
import pytest
import torch
from torch import Tensor

from mdfloss import MDFLoss, mdf_loss
from mdfloss.bench import OFFICIAL_WIDTHS, Candidate, own_candidates, random_bank, standard_candidates
from mdfloss.bench.candidates import ALEXNET_TAPS, L1, RELU4_3, VGG, RandomTrunkLoss


@pytest.fixture
def images(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    target = torch.rand(1, 3, 40, 32, generator=generator)
    return (target + 0.1).requires_grad_(), target


@pytest.mark.parametrize("candidate", [c for c in standard_candidates() if "vgg (" not in c.name], ids=lambda c: c.name)
def test_every_candidate_can_be_sent_built_and_run(candidate: Candidate, images: tuple[Tensor, Tensor]) -> None:
    loss = pickle.loads(pickle.dumps(candidate)).build()
    if candidate.name.startswith("ms_ssim"):
        with pytest.warns(UserWarning, match="MS-SSIM of 32 px"):
            value = loss(*images)
    else:
        value = loss(*images)
    value.backward()
    assert value > 0
    assert images[0].grad is not None
    assert all(parameter.grad is None for parameter in loss.parameters())


def test_names_are_unique_and_hold_the_two_that_ratios_need() -> None:
    names = [candidate.name for candidate in standard_candidates()]
    assert len(set(names)) == len(names)
    assert {L1, VGG} <= set(names)
    assert own_candidates(["l1"])[0].name == "l1"


def test_vgg_ends_at_relu4_3() -> None:
    layers = [layer for part in RandomTrunkLoss("vgg16", (RELU4_3,)).parts for layer in part]
    convolutions = [layer.out_channels for layer in layers if isinstance(layer, torch.nn.Conv2d)]
    assert convolutions == [64, 64, 128, 128, 256, 256, 256, 512, 512, 512]
    assert isinstance(layers[-1], torch.nn.ReLU)


@pytest.mark.filterwarnings("ignore")
def test_alexnet_does_what_lpips_does(images: tuple[Tensor, Tensor]) -> None:
    """With equal weights, all channels weighing alike, and without the input's statistics, it is LPIPS."""
    ours = RandomTrunkLoss("alexnet", ALEXNET_TAPS)
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, lpips=False, verbose=False)
    weights = {
        f"{i}.{key}": value
        for part in ours.parts
        for i, m in part.named_children()
        for key, value in m.state_dict().items()
    }
    state = {key: weights[key.split(".", 1)[1]] for key in theirs.net.state_dict()}
    theirs.net.load_state_dict(state)
    theirs.scaling_layer.shift.zero_()
    theirs.scaling_layer.scale.fill_(1)
    pred, target = images
    maps = [theirs.net(2 * x - 1) for x in (pred, target)]
    expected = sum(
        (lpips.normalize_tensor(a) - lpips.normalize_tensor(b)).square().mean((1, 2, 3))
        for a, b in zip(*maps, strict=True)
    )
    torch.testing.assert_close(ours(pred, target), expected.mean(), rtol=1e-4, atol=1e-6)


def test_random_bank_is_the_official_architecture(images: tuple[Tensor, Tensor]) -> None:
    bank = random_bank()
    assert bank.card.widths == OFFICIAL_WIDTHS
    assert sum(parameter.numel() for parameter in bank.parameters()) == 571_400
    assert bank.is_conditioned
    small = random_bank((8, 16))
    plain = mdf_loss(*images, small, definition=MDFLoss(small).definition)
    torch.testing.assert_close(MDFLoss(small)(*images), plain)
