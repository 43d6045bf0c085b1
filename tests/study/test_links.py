"""Signatures and pseudonyms."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdfloss.study.links import Secrets


@pytest.fixture
def keys(tmp_path: Path) -> Secrets:
    return Secrets.create(tmp_path / "secrets.json")


def test_round_trip(keys: Secrets, tmp_path: Path) -> None:
    assert Secrets.load(tmp_path / "secrets.json") == keys
    assert keys.read_link(keys.link("seat-0001")) == "seat-0001"


def test_other_keys_other_signatures(keys: Secrets, tmp_path: Path) -> None:
    other = Secrets.create(tmp_path / "other.json")
    assert other.read_link(keys.link("seat-0001")) is None
    assert other.pseudonym("mturk", "w") != keys.pseudonym("mturk", "w")
    assert other.completion_code("k") != keys.completion_code("k")


@pytest.mark.parametrize("token", ["", ".", "seat-0001", "seat-0001.", "é.ü", "\ud800.x", "a" * 10_000])
def test_forged_links(keys: Secrets, token: str) -> None:
    assert keys.read_link(token) is None


def test_admin_token(keys: Secrets) -> None:
    assert keys.is_admin(keys.admin_token)
    assert not keys.is_admin("")
    assert not keys.is_admin("é")


def test_lost_keys(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no keys"):
        Secrets.load(tmp_path / "none.json")
