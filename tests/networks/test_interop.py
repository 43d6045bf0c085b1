from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from mdfloss.cli import main
from mdfloss.images import read_image, write_image
from mdfloss.networks import DnCNN, NetworkFileError, RestorationNetwork, RRDBNet, load_any_network, save_network

spandrel = pytest.importorskip("spandrel")


@pytest.mark.parametrize(
    "network", [DnCNN(num_layers=8, num_features=4), RRDBNet(num_features=4, num_blocks=1)], ids=["DnCNN", "RRDBNet"]
)
def test_our_files_run_in_spandrel(network: RestorationNetwork, tmp_path: Path, generator: torch.Generator) -> None:
    network.initialise(generator)
    path = tmp_path / "net.safetensors"
    save_network(network, path)
    theirs = spandrel.ModelLoader(device="cpu").load_from_file(path).eval()
    ours = load_any_network(path)
    image = torch.rand(1, 3, 17, 21, generator=generator)
    with torch.no_grad():
        assert torch.allclose(theirs(image), ours.model(image).clamp(0, 1), atol=1e-5)
    assert (ours.name, ours.upscale) == (type(network).__name__, network.upscale)


def test_a_file_of_spandrels_own_layout_restores_pictures(tmp_path: Path, generator: torch.Generator) -> None:
    from spandrel.architectures.ESRGAN import ESRGAN

    theirs = ESRGAN(num_filters=4, num_blocks=2, scale=2)
    torch.save(theirs.state_dict(), tmp_path / "esrgan.pth")
    image = torch.rand(1, 3, 20, 13, generator=generator)
    write_image(tmp_path / "in.png", image)
    out = tmp_path / "out.png"
    assert main(["restore", str(tmp_path / "esrgan.pth"), str(tmp_path / "in.png"), "-o", str(out)]) == 0
    with torch.no_grad():
        expected = theirs.eval()(read_image(tmp_path / "in.png")).clamp(0, 1)
    assert torch.allclose(read_image(out), expected, atol=0.51 / 255)


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("executed"),))


def test_what_is_no_network_is_refused_and_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.pth").write_text("no network")
    (tmp_path / "bad.pth").write_bytes(pickle.dumps(Malicious(), protocol=2))
    torch.save({"weight": torch.zeros(2)}, tmp_path / "other.pth")
    for name in ("text.pth", "bad.pth", "other.pth"):
        with pytest.raises(NetworkFileError, match="is no network that mdfloss or spandrel can read"):
            load_any_network(tmp_path / name)
    assert not (tmp_path / "executed").exists()
    with pytest.raises(FileNotFoundError, match="there is no network at"):
        load_any_network(tmp_path / "absent.pth")
