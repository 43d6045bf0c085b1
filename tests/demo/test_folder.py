"""The demo's folder: claimed, resumed, refused, and never someone else's."""

from pathlib import Path

import pytest
import torch

from mdfloss.demo.folder import PARTS, DemoFolder
from mdfloss.distortions import GaussianNoise
from mdfloss.images import find_images, read_image
from mdfloss.seeds import photograph


def test_a_folder_is_claimed_once(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path / "demo")
    folder.start({"steps": 1}, resume=False, force=False)
    with pytest.raises(FileExistsError, match="holds a demo: pass --resume to go on with it, or --force"):
        folder.start({"steps": 1}, resume=False, force=False)
    folder.start({"steps": 1}, resume=True, force=False)
    with pytest.raises(ValueError, match=r"a demo with other options \(steps was 1, now 2\): leave out --resume"):
        folder.start({"steps": 2}, resume=True, force=False)
    (folder.path / "old.png").touch()
    folder.start({"steps": 2}, resume=False, force=True)
    assert [path.name for path in folder.path.iterdir()] == ["demo.json"]


@pytest.mark.parametrize("options", [{"resume": True, "force": False}, {"resume": False, "force": True}])
def test_another_folder_is_never_touched(options: dict, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(FileExistsError, match="was not made by the demo: choose another --output"):
        DemoFolder(tmp_path).start({}, **options)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_photographs_come_without_a_download(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.write_photographs(GaussianNoise(sigma=25.0), seed=0)
    for part, names in PARTS.items():
        assert sorted(path.stem for path in find_images(folder.photographs(part))) == sorted(names)
        for name in names:
            written = read_image(folder.photographs(part) / f"{name}.png", channels=None)
            assert torch.equal(written, photograph(name, channels=3)), "gray ones are written in colour too"
    clean = read_image(folder.photographs("test") / "chelsea.png", channels=None)
    noisy = read_image(folder.distorted / "chelsea.png", channels=None)
    assert clean.shape == noisy.shape == (1, 3, 300, 451)
    assert 255 * (noisy - clean).std().item() == pytest.approx(25, abs=1.5)
