"""`mdfloss condition`: any bank, the authors' too, is whitened as a fit's is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mdfloss import MDFLoss
from mdfloss.bank import DiscriminatorBank
from mdfloss.cli import main
from mdfloss.conditioning import whiten
from mdfloss.distortions import GaussianNoise
from mdfloss.fitting.chain import Degradation
from mdfloss.fitting.condition import conditioning_pairs
from mdfloss.seeds import load_seed
from official_files import WDiscriminator, write_official


@pytest.fixture
def pth(tmp_path: Path) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        write_official(tmp_path / "Ds_SISR.pth", [WDiscriminator(8).eval(), WDiscriminator(16).eval()])
    return tmp_path / "Ds_SISR.pth"


def test_the_authors_file_is_whitened_as_a_fit_would(pth: Path, tmp_path: Path) -> None:
    output = tmp_path / "bank.safetensors"
    command = ["condition", str(pth), "pink-noise", "-o", str(output), "--distortion", "GaussianNoise"]
    assert main([*command, "--distortion.sigma", "25"]) == 0
    before, after = MDFLoss(pth), MDFLoss(output)
    assert (before.bank.is_conditioned, after.bank.is_conditioned) == (False, True)
    assert after.definition.pixel_rms == 1, "read as balanced unless told otherwise"
    for key, value in before.bank.state_dict().items():
        torch.testing.assert_close(after.bank.state_dict()[key], value, rtol=0, atol=0)
    pairs = conditioning_pairs([load_seed("pink-noise")], Degradation(GaussianNoise(25)), random_seed=0)
    for found, wanted in zip(after.bank, whiten(before.bank, *pairs), strict=True):
        assert found.whitening is not None
        assert wanted.whitening is not None
        torch.testing.assert_close(found.whitening, wanted.whitening, rtol=0, atol=0)
    assert "GaussianNoise(sigma=25.0) on pink-noise" in after.bank.card.source
    assert after.bank.card.licence == before.bank.card.licence


def test_full_shrinkage_gives_each_map_one_weight(pth: Path, tmp_path: Path) -> None:
    output = tmp_path / "bank.safetensors"
    command = ["condition", str(pth), "pink-noise", "-o", str(output), "--distortion", "GaussianNoise"]
    assert main([*command, "--shrinkage", "1"]) == 0
    for discriminator in MDFLoss(output).bank:
        assert discriminator.whitening is not None
        weights = discriminator.whitening[:, :1, :1]
        torch.testing.assert_close(discriminator.whitening, weights * torch.eye(discriminator.width))
    assert main([*command, "--shrinkage", "0", "--force"]) == 1


def test_nothing_is_overwritten_and_a_wrong_distortion_is_named(
    tiny_bank: DiscriminatorBank, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_bank.save(tmp_path / "tiny.safetensors")
    before = (tmp_path / "tiny.safetensors").read_bytes()
    command = ["condition", str(tmp_path / "tiny.safetensors"), "pink-noise", "--distortion", "GaussianNoise"]
    assert main([*command, "-o", str(tmp_path / "tiny.safetensors")]) == 1
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--distortion.sigma", "0", "-o", str(tmp_path / "new.safetensors")]) == 1
    assert "leaves the seed as it is" in capsys.readouterr().err
    assert not (tmp_path / "new.safetensors").exists()
    assert (tmp_path / "tiny.safetensors").read_bytes() == before
