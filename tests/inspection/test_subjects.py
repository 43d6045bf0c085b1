"""Losses from names and expressions: whole, taken apart into terms, and under names that fit a table."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdfloss import DiscriminatorBank
from mdfloss.definitions import DEFINITIONS
from mdfloss.inspection import read_losses
from mdfloss.inspection.subjects import loss_terms, short_names
from mdfloss.loss import MDFLoss


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_the_terms_are_the_loss(definition: str, tiny_bank: DiscriminatorBank, pair: tuple[Tensor, Tensor]) -> None:
    for discriminator in tiny_bank:
        discriminator.whitening = torch.stack([torch.eye(8)] * 4)
    loss = MDFLoss(tiny_bank, definition=definition)
    maps, *pixels = loss_terms(loss, weight=3.0)
    pred, target = (image[:1] for image in pair)
    assert (maps.form is None) == (loss.definition.comparison == "structure"), "a structure is no difference of maps"
    if maps.form is not None:
        assert maps.form.value(pred, target) == pytest.approx(float(maps.loss(pred, target)), rel=1e-4)
    total = sum(term.weight * float(term.loss(pred, target)) for term in (maps, *pixels))
    assert total == pytest.approx(3 * float(loss(pred, target)), rel=1e-4)


def test_a_sum_is_taken_apart(pair: tuple[Tensor, Tensor]) -> None:
    (found,) = read_losses(["l1+0.5*mse"])
    assert [term.weight for term in found.terms] == [1, 0.5]
    assert sum(term.weight * term.loss(*pair) for term in found.terms) == pytest.approx(float(found.loss(*pair)))
    assert found.layers is None


def test_banks_go_by_path_or_name(tiny_bank: DiscriminatorBank, tmp_path: Path, pair: tuple[Tensor, Tensor]) -> None:
    tiny_bank.save(tmp_path / "tiny.safetensors")
    shutil.copy(tmp_path / "tiny.safetensors", tmp_path / "other.safetensors")
    paths = [f"{tmp_path}/tiny.safetensors@official", f"mdf:{tmp_path}/other.safetensors@official", "denoise_small"]
    found = read_losses(paths)
    assert [one.name for one in found] == ["tiny@official", "mdf:other@official", "denoise_small"]
    assert all(isinstance(one.loss, MDFLoss) for one in found)
    assert float(found[0].loss(*pair)) == float(found[1].loss(*pair))
    assert found[0].layers is not None
    assert len(found[0].layers(*pair)) == len(tiny_bank)


def test_a_loss_that_draws_scales_is_inspected_whole() -> None:
    (found,) = read_losses(["mdf:denoise_small@/fastest"])
    assert isinstance(found.loss, MDFLoss)
    assert found.loss.scales_per_step is None


def test_names_are_short_and_distinct() -> None:
    short = short_names(["mdf:/a/b/x.safetensors@paper", "l1+0.1*mdf:/a/y.safetensors"])
    assert short == ["mdf:x@paper", "l1+0.1*mdf:y"]
    assert short_names(["mdf:/a/x.safetensors@/fast", "denoise@paper/2"]) == ["mdf:x@/fast", "denoise@paper/2"]
    same = ["/a/x.safetensors", "/b/x.safetensors"]
    assert short_names(same) == same
