"""`mdfloss import-official`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from mdfloss.official import read_official


def import_official(file: Path, *, output: Path, force: bool = False) -> None:
    """Turn the authors' released weights into a bank file, without running anything in them.

    Args:
        file: Their `.pth`, or its tensors as `.safetensors`.
        output: The bank to write, `.safetensors`.
        force: Replace an existing bank.
    """
    bank = read_official(file)
    bank.save(output, force=force)
    widths = ", ".join(map(str, bank.card.widths))
    Console().print(f"{output}: {len(bank)} discriminators, widths {widths}", highlight=False, markup=False)
