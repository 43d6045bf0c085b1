"""`mdfloss inspect`: banks and expressions side by side, the files it writes, and what it finds in a bank."""

import json
from pathlib import Path

import pytest
import torch

from mdfloss import DiscriminatorBank
from mdfloss.cli import main
from mdfloss.images import write_image


@pytest.fixture
def pictures(tmp_path: Path, generator: torch.Generator) -> Path:
    for name in ("a", "b"):
        write_image(tmp_path / "pictures" / f"{name}.png", torch.rand(1, 3, 70, 80, generator=generator))
    return tmp_path / "pictures"


def _losses(folder: Path) -> dict[str, dict]:
    return {one["name"]: one for one in json.loads((folder / "inspect.json").read_text())["losses"]}


def _run(losses: list[str], output: Path, pictures: Path) -> int:
    return main(["inspect", *losses, "-o", str(output), "--images", str(pictures), "--num-crops", "1"])


def test_a_bank_with_dead_chroma_beside_l2(
    tmp_path: Path, pictures: Path, tiny_bank: DiscriminatorBank, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bank's head weighs the three channels alike."""
    bank = tiny_bank.subset([0])
    with torch.no_grad():
        weight = bank[0].head.conv.weight
        weight.copy_(weight.mean(dim=1, keepdim=True).expand_as(weight))
    bank.save(tmp_path / "gray.safetensors")
    losses, output = [f"{tmp_path}/gray.safetensors@official", "mse"], tmp_path / "out"
    assert _run(losses, output, pictures) == 0
    assert "condition number" in capsys.readouterr().out
    found = _losses(output)
    assert list(found) == ["gray@official", "mse"]
    assert list(found["mse"]["summary"].values()) == pytest.approx([2, 1, 1, 1, 1, 1], abs=1e-2)
    assert found["gray@official"]["summary"]["chroma_to_luma"] < 0.05
    assert found["gray@official"]["summary"]["condition"] == pytest.approx(1e6)
    assert found["gray@official"]["summary"]["border_to_centre"] < 0.95
    assert len(found["gray@official"]["layers"]["share"]) == 1
    assert found["mse"]["layers"] is None
    names = {path.name for path in (output / "plots").iterdir()}
    assert names >= {"gain.svg", "eigenvalues.svg", "1-layers.svg", "2-response.svg"}
    assert (output / "inspect.html").is_file()
    assert _run(losses, output, pictures) == 1, "not over an earlier one"


@pytest.mark.slow
def test_a_weighted_sum(tmp_path: Path, pictures: Path, tiny_bank: DiscriminatorBank) -> None:
    tiny_bank.save(tmp_path / "tiny.safetensors")
    assert _run([f"l1+0.5*mdf:{tmp_path}/tiny.safetensors"], tmp_path / "out", pictures) == 0
    assert list(_losses(tmp_path / "out")) == ["l1+0.5*mdf:tiny"]


def test_a_name_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "l7", "-o", str(tmp_path / "other")]) == 1
    assert "'l7' is not one of" in capsys.readouterr().err
