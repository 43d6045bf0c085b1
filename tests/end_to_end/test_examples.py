"""The scripts under examples/ run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from mdfloss import DiscriminatorBank
from mdfloss.images import write_image

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_own_loop(tiny_bank: DiscriminatorBank, generator: torch.Generator, tmp_path: Path) -> None:
    tiny_bank.save(tmp_path / "bank.safetensors")
    write_image(tmp_path / "picture.png", torch.rand(1, 3, 32, 40, generator=generator))
    command = [sys.executable, EXAMPLES / "own_loop.py", "bank.safetensors", "picture.png", "11"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    first, last = (float(line.rsplit(" ", 1)[1]) for line in run.stdout.splitlines())
    assert last < first
