"""`mdfloss condition`."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from rich.console import Console

from mdfloss.bank import DiscriminatorBank
from mdfloss.conditioning import whiten
from mdfloss.distortions import AnyDistortion, describe_distortion
from mdfloss.files import refuse_overwrite
from mdfloss.fitting.chain import Degradation
from mdfloss.fitting.condition import conditioning_pairs
from mdfloss.pretrained import load_bank
from mdfloss.seeds import load_seed

__all__ = ["condition"]


def condition(
    bank: str,
    seeds: list[str],
    *,
    output: Path,
    distortion: AnyDistortion,
    shrinkage: float = 0.1,
    chroma: float | None = None,
    seed: int = 0,
    force: bool = False,
) -> None:
    """Whiten a bank for a distortion, as a fit ends, so that `whitened` and `balanced` can read it.

    Args:
        bank: Name or path of a bank, or one of the authors' files; its discriminators stay as they are, but for what
            `chroma` does to their first layers.
        seeds: Clean pictures, or names such as astronaut; one is enough.
        output: The bank to write, `.safetensors`.
        distortion: What the loss shall see: GaussianNoise, Jpeg, Downscale, or the import path of your own.
        shrinkage: Above 0; 1 gives each map one weight, less whitens its channels too.
        chroma: How strongly it shall see noise along each axis of colour, luma being 1, instead of as it has learnt to.
        seed: Start of the random numbers: places of patches, and strengths of the distortion.
        force: Replace an existing bank.
    """
    refuse_overwrite(output, force=force)
    pairs = conditioning_pairs([load_seed(name) for name in seeds], Degradation(distortion), random_seed=seed)
    found = load_bank(bank)
    described = describe_distortion(distortion)
    options = ", ".join(f"{key}={value}" for key, value in described["init_args"].items())
    colours = "" if chroma is None else f" and chroma {chroma:g}"
    note = (
        f"whitened with shrinkage {shrinkage:g}{colours} for {described['class_path']}({options}) "
        f"on {', '.join(Path(name).name for name in seeds)}"
    )
    card = dataclasses.replace(found.card, source=f"{found.card.source}; {note}".removeprefix("; "))
    whitened = whiten(DiscriminatorBank(found, card), *pairs, shrinkage=shrinkage, chroma=chroma)
    whitened.save(output, force=force)
    Console().print(f"{output}: {len(whitened)} discriminators, {note}", highlight=False, markup=False, soft_wrap=True)
