from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor

from mdfloss.losses import LPIPSLoss, VGGLoss
from mdfloss.trunks import lpips_distance, lpips_network, trunk_weights


def test_vgg_is_piqs_content_loss(vgg_file: Path, generator: torch.Generator) -> None:
    piq = pytest.importorskip("piq")
    pred, target = torch.rand(2, 2, 3, 50, 66, generator=generator)
    with torch.device("meta"):
        features = torchvision.models.vgg19().features
    features.load_state_dict(trunk_weights("vgg19", vgg_file), assign=True)
    for layer in features:
        if isinstance(layer, torch.nn.ReLU):
            layer.inplace = False
    theirs = piq.ContentLoss(feature_extractor=features, layers=("34",), distance="mse")(pred, target)
    # piq adds the channels up, where a mean is meant here.
    assert VGGLoss(weights=vgg_file)(pred, target).item() == pytest.approx(theirs.item() / 512, rel=1e-4)


def test_lpips_is_the_distance_of_its_network(alexnet_file: Path, pair: tuple[Tensor, Tensor]) -> None:
    expected = lpips_distance(lpips_network(alexnet_file), *pair).mean()
    loss = LPIPSLoss(weights=alexnet_file).train()
    assert torch.equal(loss(*pair), expected)
    gray = loss(*(image[:, :1] for image in pair))
    assert torch.equal(gray, loss(*(image[:, :1].expand(-1, 3, -1, -1) for image in pair)))


@pytest.mark.parametrize("kind", [VGGLoss, LPIPSLoss])
def test_weights_that_cannot_be_had_are_named(
    kind: type[VGGLoss] | type[LPIPSLoss], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(urllib.request, "_opener", None)  # urllib keeps the first one, with its proxies, for good
    message = (
        rf"are not at hand and https://.*put the file at {tmp_path}.*checkpoints.*\.pth; a loss may name another place"
    )
    with pytest.raises(OSError, match=message):
        kind()


def test_files_of_something_else_are_refused(alexnet_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not hold torchvision's vgg19"):
        VGGLoss(weights=alexnet_file)
    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold torchvision's alexnet: it lacks"):
        LPIPSLoss(weights=tmp_path / "other.pth")


def test_weights_as_torchvision_saves_them(vgg_file: Path, tmp_path: Path, pair: tuple[Tensor, Tensor]) -> None:
    state = {f"features.{key}": value for key, value in trunk_weights("vgg19", vgg_file).items()}
    torch.save({**state, "classifier.0.weight": torch.zeros(4, 4)}, tmp_path / "vgg19.pth")
    assert torch.equal(VGGLoss(weights=tmp_path / "vgg19.pth")(*pair), VGGLoss(weights=vgg_file)(*pair))


def test_target_features_have_no_graph(vgg_file: Path, pair: tuple[Tensor, Tensor]) -> None:
    target = pair[1].clone().requires_grad_()
    assert not VGGLoss(weights=vgg_file)(pair[0], target).requires_grad
