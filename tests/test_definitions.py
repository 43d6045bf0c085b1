"""Definitions: the names, the default that follows the bank, and combinations that make no sense."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from mdfloss import DEFINITIONS, Definition, DiscriminatorBank
from mdfloss.conditioning import whiten
from mdfloss.definitions import resolve_definition


def test_default_follows_the_bank(tiny_bank: DiscriminatorBank, generator: torch.Generator) -> None:
    clean = torch.rand(2, 3, 32, 32, generator=generator)
    conditioned = whiten(tiny_bank, clean, clean + 0.1 * torch.randn(clean.shape, generator=generator))
    assert resolve_definition(None, tiny_bank) == DEFINITIONS["paper"]
    assert resolve_definition(None, conditioned) == DEFINITIONS["detailed"]
    card = dataclasses.replace(conditioned.card, rho=None)
    assert resolve_definition(None, DiscriminatorBank(conditioned, card)) == DEFINITIONS["balanced"]
    assert resolve_definition("official", conditioned) == DEFINITIONS["official"]
    with pytest.raises(ValueError, match="the bank carries no whitening matrices"):
        resolve_definition("whitened", tiny_bank)


def test_definitions_that_make_no_sense() -> None:
    options = {"comparison": "absolute", "padded": True, "scaled": True}
    with pytest.raises(ValueError, match=r"indices within 0\.\.4, got \(5,\)"):
        Definition(maps=(5,), activated=True, whitened=False, **options)
    with pytest.raises(ValueError, match="before their LeakyReLU"):
        Definition(maps=(0,), activated=True, whitened=True, **options)
    with pytest.raises(ValueError, match="pixel_rms must be a finite weight, at least 0, got -1"):
        Definition(maps=(0,), activated=True, whitened=False, pixel_rms=-1, **options)


@pytest.mark.parametrize("definition", DEFINITIONS.values(), ids=DEFINITIONS)
def test_its_text_makes_it_again_and_names_no_default(definition: Definition) -> None:
    assert eval(repr(definition), {"Definition": Definition}) == definition
    assert ("pixel_rms" in repr(definition)) == (definition.pixel_rms != 0)
    assert ("pyramid" in repr(definition)) == definition.pyramid
