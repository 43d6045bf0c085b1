"""The bank and its file: a round trip, and every way a file can be wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from mdfloss.bank import (
    BankCard,
    BankFileError,
    Discriminator,
    DiscriminatorBank,
)
from mdfloss.card import FORMAT_VERSION
from mdfloss.conditioning import whiten
from mdfloss.tensor_file import read_tensor_file


@pytest.fixture
def file(tiny_bank: DiscriminatorBank, tmp_path: Path) -> Path:
    tiny_bank.save(tmp_path / "bank.safetensors")
    return tmp_path / "bank.safetensors"


def test_discriminator_is_five_convolutions_seeing_eleven_pixels() -> None:
    discriminator = Discriminator(4).eval()
    oracle = nn.Sequential(
        *[nn.Sequential(b.conv, b.norm, nn.LeakyReLU(0.2)) for b in discriminator.blocks], discriminator.tail
    )
    image = torch.rand(2, 3, 11, 14)
    torch.testing.assert_close(discriminator(image), oracle(image))
    assert discriminator(image).shape == (2, 1, 1, 4)
    torch.testing.assert_close(discriminator.responses(image)[-1], discriminator(image))


def test_round_trip_is_exact(tiny_bank: DiscriminatorBank, file: Path) -> None:
    again = DiscriminatorBank.load(file)
    assert again.card == tiny_bank.card
    assert not again.training
    image = torch.rand(1, 3, 20, 20)
    for ours, theirs in zip(tiny_bank, again, strict=True):
        assert torch.equal(ours(image), theirs(image))


def test_round_trip_keeps_whitening(tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    clean = torch.rand(2, 3, 24, 24)
    conditioned = whiten(tiny_bank, clean, clean + 0.1 * torch.randn_like(clean))
    conditioned.save(tmp_path / "white.safetensors")
    again = DiscriminatorBank.load(tmp_path / "white.safetensors")
    assert again.is_conditioned
    assert not tiny_bank.is_conditioned
    assert again[1].whitening is not None
    assert torch.equal(again[1].whitening, conditioned[1].whitening)  # type: ignore[arg-type]


def test_subset_keeps_order_and_card(tiny_bank: DiscriminatorBank) -> None:
    subset = tiny_bank.subset([1])
    assert len(subset) == 1
    assert subset[0] is tiny_bank[1]
    assert subset.card.widths == (8,)


@pytest.mark.parametrize("scales", [[], [0, 0], [2], [-1]])
def test_subset_refuses_other_scales(tiny_bank: DiscriminatorBank, scales: list[int]) -> None:
    with pytest.raises(ValueError, match=r"scales must be distinct and within 0\.\.1"):
        tiny_bank.subset(scales)


def test_save_never_overwrites_unasked(tiny_bank: DiscriminatorBank, file: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(FileExistsError, match="choose another name, or pass --force"):
        tiny_bank.save(file)
    assert file.read_bytes() == before
    tiny_bank.save(file, force=True)
    assert [p.name for p in file.parent.iterdir()] == ["bank.safetensors"]


def test_save_refuses_other_suffixes(tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"saved as \.safetensors"):
        tiny_bank.save(tmp_path / "bank.pth")


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_truncated_file(file: Path, share: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BankFileError, match=r"not a whole \.safetensors file"):
        DiscriminatorBank.load(file)


def test_every_flipped_bit_is_noticed(file: Path, generator: torch.Generator) -> None:
    data = file.read_bytes()
    for position in torch.randint(len(data), (80,), generator=generator).tolist():
        file.write_bytes(data[:position] + bytes([data[position] ^ 4]) + data[position + 1 :])
        with pytest.raises(BankFileError):
            DiscriminatorBank.load(file)


def _rewrite(file: Path, card: object) -> None:
    tensors, metadata = read_tensor_file(file, kind="bank", error=BankFileError)
    metadata["mdfloss"] = json.dumps(card)
    safetensors.torch.save_file(tensors, file, metadata=metadata)


def test_newer_format_is_refused(file: Path, tiny_bank: DiscriminatorBank) -> None:
    _rewrite(file, dataclasses.asdict(tiny_bank.card) | {"format_version": FORMAT_VERSION + 1})
    with pytest.raises(BankFileError, match="format version 2, this mdfloss reads up to 1: upgrade mdfloss"):
        DiscriminatorBank.load(file)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"surprise": 1}, r"unknown entries \['surprise'\]"),
        ({"widths": []}, "widths must be positive"),
        ({"widths": [8, 8, 8]}, r"has no scale2\.tail\.weight, and its card says 3 scales"),
        ({"widths": [8, 4]}, "has shape"),
        ({"widths": [8, 10**12]}, "has shape"),
        ({"widths": [8, 8.5]}, "widths must be positive"),
        ({"widths": [8] * 10**5}, "its card says 100000 scales"),
        ({"input_range": [1, 0]}, "input_range must ascend"),
        ({"input_range": [0, 1, 2]}, "card in the header is not valid"),
        ({"input_range": ["0", "1"]}, "card in the header is not valid"),
        ({"rho": "1.5"}, "card in the header is not valid"),
        ({"rho": 0.5}, "rho must be a finite ratio above 1"),
        ({"widths": None}, "card in the header is not valid"),
    ],
)
def test_card_that_does_not_fit(
    file: Path, tiny_bank: DiscriminatorBank, change: dict[str, object], message: str
) -> None:
    _rewrite(file, dataclasses.asdict(tiny_bank.card) | change)
    with pytest.raises(BankFileError, match=message):
        DiscriminatorBank.load(file)


def test_foreign_safetensors_name_the_mend(tmp_path: Path) -> None:
    safetensors.torch.save_file({"x": torch.zeros(1)}, tmp_path / "x.safetensors")
    with pytest.raises(BankFileError, match="run `mdfloss import-official"):
        DiscriminatorBank.load(tmp_path / "x.safetensors")


def test_weights_that_are_not_finite(tiny_bank: DiscriminatorBank, tmp_path: Path) -> None:
    tiny_bank[0].tail.weight.data[0, 0, 0, 0] = float("nan")
    tiny_bank.save(tmp_path / "nan.safetensors")
    with pytest.raises(BankFileError, match=r"scale0|0\.tail\.weight holds values that are not finite"):
        DiscriminatorBank.load(tmp_path / "nan.safetensors")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no bank at"):
        DiscriminatorBank.load(tmp_path / "none.safetensors")


def test_card_and_discriminators_must_agree() -> None:
    with pytest.raises(ValueError, match=r"the card says widths \(8,\), the discriminators have \(4,\)"):
        DiscriminatorBank([Discriminator(4)], BankCard(task="x", widths=(8,)))
