"""The measures of other libraries: their ranges, and what is said when one is missing."""

import sys
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from mdfloss.evaluation import perceptual
from mdfloss.evaluation.perceptual import jod, lpips, piq_measure
from mdfloss.losses import LPIPSLoss
from mdfloss.trunks import lpips_network


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "piq", None)
    with pytest.raises(ModuleNotFoundError, match=r'piq: pip install "mdfloss\[metrics\]"'):
        piq_measure("gmsd")(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))


def test_predictions_may_stick_out(generator: torch.Generator) -> None:
    target = torch.rand(2, 3, 40, 36, generator=generator)
    score = piq_measure("vsi")
    assert torch.allclose(score(3 * target - 1, target), score((3 * target - 1).clamp(0, 1), target))


def test_jod_gives_one_value_for_each_image(generator: torch.Generator) -> None:
    pytest.importorskip("pycvvdp")
    target = torch.rand(2, 3, 64, 48, generator=generator)
    values = jod(torch.stack([target[0], target[1].flip(0)]), target)
    assert values.shape == (2,)
    assert values[0] == pytest.approx(10)
    assert values[1] < 9.5


def test_lpips_without_network_names_the_file_and_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lpips")

    def refuse(*arguments: object, **options: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(OSError, match=r"no network.*put the file at .*checkpoints.*alexnet-owt-7be5be79\.pth"):
        lpips(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64))


def test_lpips_is_the_distance_of_the_same_network_as_the_loss(
    alexnet_file: Path, monkeypatch: pytest.MonkeyPatch, pair: tuple[torch.Tensor, torch.Tensor]
) -> None:
    pytest.importorskip("lpips")
    monkeypatch.setattr(perceptual, "_lpips_network", lambda device: lpips_network(alexnet_file))
    values = lpips(pair[0].double(), pair[1].double())
    assert values.shape == (2,)
    assert values.mean().item() == pytest.approx(LPIPSLoss(weights=alexnet_file)(*pair).item(), rel=1e-6)
