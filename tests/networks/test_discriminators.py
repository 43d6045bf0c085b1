from __future__ import annotations

import pytest
import torch

from mdfloss.networks import VGGDiscriminator


@pytest.mark.parametrize("patch_size, num_stages", [(32, 5), (64, 5), (96, 4)])
def test_one_score_for_each_patch(patch_size: int, num_stages: int, generator: torch.Generator) -> None:
    critic = VGGDiscriminator(patch_size=patch_size, num_features=4, num_stages=num_stages, hidden=10)
    assert critic(torch.rand(3, 3, patch_size, patch_size, generator=generator)).shape == (3, 1)


def test_parameter_count_of_esrgan() -> None:
    # BasicSR's VGGStyleDiscriminator(num_in_ch=3, num_feat=64, input_size=128).
    assert sum(p.numel() for p in VGGDiscriminator().parameters()) == 14_499_401


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="patch_size must be a multiple of 32, got 48: take 32 or 64"):
        VGGDiscriminator(patch_size=48)
    with pytest.raises(ValueError, match="made for 32 px patches, got 32×33"):
        VGGDiscriminator(patch_size=32, num_features=4)(torch.zeros(1, 3, 32, 33))
