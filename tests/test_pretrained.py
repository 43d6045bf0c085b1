"""Names and paths of banks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdfloss import DiscriminatorBank, list_banks, load_bank


def test_every_listed_bank_loads_by_name() -> None:
    for name in list_banks():
        assert len(load_bank(name)) >= 1


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
