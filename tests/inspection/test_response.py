"""Equal PSNR: measured, for every kind and image; and what cannot be reached."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mdfloss.evaluation.metrics import psnr
from mdfloss.inspection.probes import cut_crops
from mdfloss.inspection.response import KINDS, equal_psnr_set, response_curves
from mdfloss.seeds import photograph

LEVELS = (33.0, 28.0, 24.0)


@pytest.fixture(scope="module")
def images() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    photographs = [photograph(name) for name in ("chelsea", "rocket")]
    return cut_crops(photographs, count=2, side=64, tries=8, generator=generator)


def test_every_distortion_has_the_wanted_psnr_in_every_image(images: Tensor) -> None:
    found = equal_psnr_set(images, levels=LEVELS, generator=torch.Generator().manual_seed(0))
    assert set(found.distorted) == set(KINDS)
    for kind, row in found.distorted.items():
        for level, distorted in zip(LEVELS, row, strict=True):
            assert distorted is not None, (kind, level)
            assert psnr(distorted.double(), images.double()).tolist() == pytest.approx([level] * 2, abs=2e-3), kind


def test_l2_sees_all_kinds_alike_and_the_errors_differ(images: Tensor) -> None:
    found = equal_psnr_set(images, levels=LEVELS, generator=torch.Generator().manual_seed(0))
    curves = response_curves(lambda pred, target: (pred - target).square().mean(), found)
    for values in curves.values():
        assert values == pytest.approx([10 ** (-level / 10) for level in LEVELS], rel=1e-3)
    middles = torch.stack([row[1] - images for row in found.distorted.values()]).flatten(1)
    middles = middles / middles.norm(dim=1, keepdim=True)
    assert (middles @ middles.T - torch.eye(len(KINDS))).abs().max() < 0.9


def test_what_is_out_of_reach_is_nan() -> None:
    smooth = torch.linspace(0.4, 0.6, 64).expand(1, 3, 64, 64)
    found = equal_psnr_set(smooth, levels=(20.0,), generator=torch.Generator().manual_seed(0))
    curves = response_curves(lambda pred, target: (pred - target).abs().mean(), found)
    assert np.isnan([curves[kind][0] for kind in ("blur", "JPEG", "contrast")]).all()
    assert np.isfinite([curves[kind][0] for kind in ("noise", "grating", "brightness")]).all()
