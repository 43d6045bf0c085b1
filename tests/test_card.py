"""The card: a round trip through its JSON, and text that is no card."""

from __future__ import annotations

import pytest

from mdfloss.card import FORMAT_VERSION, BankCard, BankFileError


def test_round_trip() -> None:
    card = BankCard(
        task="denoise", widths=(32, 64), distortion={"class_path": "x.Y"}, rho=1.5, seed_sha256=("ab",), iterations=3
    )
    assert BankCard.from_json(card.to_json()) == card
    assert card.num_scales == 2
    assert card.format_version == FORMAT_VERSION


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "3",
        "{}",
        '{"format_version": "1"}',
        "not json",
        pytest.param("[" * 10**5, id="too deep"),
        '{"format_version": 1}',
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(BankFileError):
        BankCard.from_json(text)


@pytest.mark.parametrize("widths", [(), (0,), (8, -1)])
def test_widths_must_be_positive(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="widths must be positive"):
        BankCard(task="x", widths=widths)
