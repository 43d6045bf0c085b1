"""Networks under distances: torchvision's weights from files, and LPIPS as the lpips package computes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from mdfloss.trunks import LPIPS_MIN_SIZE, lpips_distance, lpips_network, trunk_weights


@pytest.fixture
def network(alexnet_file: Path) -> nn.Module:
    return lpips_network(alexnet_file)


@pytest.mark.filterwarnings("ignore")
def test_lpips_is_the_lpips_package_fed_with_its_own_range(alexnet_file: Path, pair: tuple[Tensor, Tensor]) -> None:
    lpips = pytest.importorskip("lpips")
    theirs = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    trunk = torchvision.models.AlexNet().features
    trunk.load_state_dict(trunk_weights("alexnet", alexnet_file))
    for slices in (theirs.net.slice1, theirs.net.slice2, theirs.net.slice3, theirs.net.slice4, theirs.net.slice5):
        for name, layer in slices.named_children():
            layer.load_state_dict(trunk[int(name)].state_dict())
    expected = theirs(pair[0], pair[1], normalize=True)
    found = lpips_distance(lpips_network(alexnet_file), *pair)
    torch.testing.assert_close(found, expected.reshape(-1))


def test_lpips_is_frozen_and_drops_nothing(network: nn.Module) -> None:
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_smallest_picture_is_the_smallest_that_alexnet_takes(network: nn.Module) -> None:
    smallest = torch.rand(1, 3, LPIPS_MIN_SIZE, LPIPS_MIN_SIZE)
    assert lpips_distance(network, smallest, smallest).tolist() == [0]
    with pytest.raises(RuntimeError, match="too small"):
        lpips_distance(network, smallest[..., 1:, 1:], smallest[..., 1:, 1:])


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lpips", None)
    with pytest.raises(ModuleNotFoundError, match=r'package lpips: pip install "mdfloss\[losses\]"'):
        lpips_network()


def test_a_network_of_another_shape_is_refused(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold torchvision's alexnet"):
        lpips_network(tmp_path / "other.pth")


def test_damaged_files_are_told(vgg_file: Path, tmp_path: Path) -> None:
    for name in ("half.safetensors", "half.pth"):
        (tmp_path / name).write_bytes(vgg_file.read_bytes()[:1000])
        with pytest.raises(ValueError, match=f"{name} is damaged, or does not hold weights of vgg19"):
            trunk_weights("vgg19", tmp_path / name)
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    with pytest.raises(ValueError, match="does not hold torchvision's vgg19: it is a Tensor"):
        trunk_weights("vgg19", tmp_path / "tensor.pth")
    with pytest.raises(FileNotFoundError, match=r"there are no weights of vgg19 at .*absent\.pth"):
        trunk_weights("vgg19", tmp_path / "absent.pth")
