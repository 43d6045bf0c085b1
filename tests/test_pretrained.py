"""Names and paths of banks."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mdfloss import DEFINITIONS, DiscriminatorBank, MDFLoss, list_banks, load_bank
from mdfloss.conditioning import whiten
from mdfloss.distortions import load_distortion, resize
from mdfloss.fitting.chain import Degradation
from mdfloss.fitting.condition import conditioning_pairs
from mdfloss.seeds import load_seed


def test_the_shipped_banks() -> None:
    assert list_banks() == ["deblur", "denoise", "denoise_small", "jpeg", "sr_x4"]


@pytest.mark.parametrize("name", ["deblur", "denoise", "denoise_small", "jpeg", "sr_x4"])
def test_a_shipped_bank_is_small_licensed_and_knows_its_task(name: str) -> None:
    bank = load_bank(name)
    assert bank.card.task == name.removesuffix("_small")
    assert bank.card.licence == "Apache-2.0"
    assert sum(value.nbytes for value in bank.state_dict().values()) < 5_000_000
    distortion = load_distortion(**bank.card.distortion)
    clean = read_seed_photograph()
    distorted = distortion(clean, torch.Generator().manual_seed(0))
    if distorted.shape != clean.shape:
        distorted = resize(distorted, (96, 96), kernel="bicubic")
    loss = MDFLoss(name)
    own = {"jpeg": "faithful", "sr_x4": "structural"}
    assert loss.definition == DEFINITIONS[own.get(name, "detailed")]
    assert 0 == loss(clean, clean) < loss(0.5 * (clean + distorted), clean) < loss(distorted, clean)


def read_seed_photograph() -> torch.Tensor:
    """96 px of a photograph that no bank was fitted on, (1, 3, 96, 96)."""
    return load_seed("coffee")[..., 100:196, 200:296]


def test_a_path_wins_and_both_layouts_load(tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    tiny_bank.save(tmp_path / "bank.safetensors")
    assert load_bank(tmp_path / "bank.safetensors").card == tiny_bank.card


@pytest.mark.data
def test_the_authors_file_needs_no_conversion(data_dir: Path) -> None:
    assert len(load_bank(data_dir / "mdf-official" / "Ds_JPEG.safetensors")) == 8


@pytest.mark.parametrize("name", ["nonsense", "../weights/x", "folder/none.safetensors"])
def test_neither_a_name_nor_a_file(name: str) -> None:
    with pytest.raises(FileNotFoundError, match="no shipped bank of that name: those are"):
        load_bank(name)


@pytest.mark.parametrize("name", list_banks())
def test_shipped_banks_are_conditioned_as_their_command_does_it(name: str) -> None:
    bank = load_bank(name)
    distortion = load_distortion(**bank.card.distortion)
    pairs = conditioning_pairs([load_seed("astronaut")], Degradation(distortion), random_seed=0)
    for shipped, anew in zip(bank, whiten(bank, *pairs), strict=True):
        torch.testing.assert_close(shipped.whitening, anew.whitening, rtol=1e-3, atol=1e-6)
