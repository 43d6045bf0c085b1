"""The authors' files: read exactly, and never run."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from mdfloss.bank import BankFileError, DiscriminatorBank
from mdfloss.cli import main
from mdfloss.official import read_official
from official_files import WDiscriminator, write_official


@pytest.fixture
def modules() -> list[WDiscriminator]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return [WDiscriminator(8).eval(), WDiscriminator(16).eval()]


@pytest.fixture
def pth(tmp_path: Path, modules: list[WDiscriminator]) -> Path:
    write_official(tmp_path / "Ds_SISR.pth", modules)
    return tmp_path / "Ds_SISR.pth"


def test_pickled_modules_give_the_same_scores(pth: Path, modules: list[WDiscriminator]) -> None:
    bank = read_official(pth)
    image = torch.rand(1, 3, 17, 19)
    assert bank.card.widths == (8, 16)
    assert bank.card.licence == "BSD-3-Clause"
    assert "SinGAN.models" not in sys.modules
    for ours, theirs in zip(bank, modules, strict=True):
        torch.testing.assert_close(ours(image), theirs(image))


def test_command_writes_a_bank_and_never_overwrites(pth: Path, tmp_path: Path) -> None:
    output = tmp_path / "bank.safetensors"
    assert main(["import-official", str(pth), "--output", str(output)]) == 0
    before = output.read_bytes()
    assert DiscriminatorBank.load(output).card.task == "sisr"
    assert main(["import-official", str(pth), "--output", str(output)]) == 1
    assert output.read_bytes() == before


@pytest.mark.data
@pytest.mark.parametrize("name, scales", [("Ds_SISR_and_Denoising", 9), ("Ds_JPEG", 8)])
def test_released_tensors(data_dir: Path, tmp_path: Path, name: str, scales: int) -> None:
    bank = read_official(data_dir / "mdf-official" / f"{name}.safetensors")
    assert len(bank) == scales
    bank.save(tmp_path / "bank.safetensors")
    again = DiscriminatorBank.load(tmp_path / "bank.safetensors")
    assert again.card == bank.card
    for key, value in bank.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]) or key.endswith("num_batches_tracked")


class Exploit:
    """Runs a command when a plain unpickler meets it."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (f"touch {self.marker}",)


class Builder:
    """Calls an allowed function, then tries to change it through the object's state."""

    def __reduce__(self) -> tuple[object, ...]:
        return OrderedDict, (), (None, {"__init__": 1})


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: OrderedDict(a=x)])
def test_malicious_pickle_is_refused_and_not_run(tmp_path: Path, wrap: object) -> None:
    marker = tmp_path / "marker"
    write_official(tmp_path / "evil.pth", wrap(Exploit(marker)))  # type: ignore[operator]
    output = tmp_path / "bank.safetensors"
    output.write_bytes(b"precious")
    with pytest.raises(BankFileError, match=r"it names posix\.system, which a released MDF file does not need"):
        read_official(tmp_path / "evil.pth")
    assert main(["import-official", str(tmp_path / "evil.pth"), "--output", str(output), "--force"]) == 1
    assert not marker.exists()
    assert output.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "obj, message",
    [
        ([1, 2], "its top object is not a list of WDiscriminator modules"),
        ({"a": torch.zeros(3)}, "its top object is not a list"),
        (torch.nn.Linear(2, 2), r"it names torch\.nn\.modules\.linear\.Linear"),
        ([Builder()], "not a released MDF file"),
    ],
)
def test_other_contents_are_refused(tmp_path: Path, obj: object, message: str) -> None:
    write_official(tmp_path / "other.pth", obj)
    with pytest.raises(BankFileError, match=message):
        read_official(tmp_path / "other.pth")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.2, 0.5, 0.9, 0.999])
def test_cut_file_is_refused(pth: Path, share: float) -> None:
    data = pth.read_bytes()
    pth.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BankFileError, match="not a released MDF file"):
        read_official(pth)


def test_flipped_bytes_never_do_more_than_raise(pth: Path, generator: torch.Generator) -> None:
    data = pth.read_bytes()
    head = data.index(b"scale") if b"scale" in data else 4000
    for _ in range(60):
        position = int(torch.randint(head, (), generator=generator))
        pth.write_bytes(data[:position] + bytes([data[position] ^ 0x5A]) + data[position + 1 :])
        try:
            bank = read_official(pth)
        except BankFileError:
            continue
        assert isinstance(bank, DiscriminatorBank)


def test_new_zip_format_is_named(tmp_path: Path) -> None:
    torch.save([1], tmp_path / "new.pth")
    with pytest.raises(BankFileError, match="newer zip format"):
        read_official(tmp_path / "new.pth")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file at"):
        read_official(tmp_path / "none.pth")


def test_a_bank_of_ours_is_not_taken_for_the_authors(tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    tiny_bank.save(tmp_path / "ours.safetensors")
    with pytest.raises(BankFileError, match="is a bank of mdfloss, with a card of its own"):
        read_official(tmp_path / "ours.safetensors")
