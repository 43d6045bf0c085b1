"""Banks that a fitted one must beat: what its whitening alone is worth, without what its discriminators have learnt.

    python benchmarks/control_banks.py BANK --seed astronaut --output DIR

DIR/random.safetensors has BANK's widths with random weights, normalised on the seed as an untrained discriminator would
be; DIR/luma.safetensors is the same but sees the colour of a pixel, what its channels differ in from their mean,
with `CHROMA` of its size; DIR/patches.safetensors sees the pixels of 3×3 patches as they are. All are whitened as a fit
would, on the same patches, so that every definition reads them as it reads BANK.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import torch
from torch import Tensor, nn

from mdfloss import DiscriminatorBank, load_bank
from mdfloss.bank import Discriminator
from mdfloss.conditioning import whiten
from mdfloss.distortions import load_distortion
from mdfloss.fitting.chain import Degradation
from mdfloss.fitting.condition import conditioning_pairs
from mdfloss.fitting.scale_gan import ScaleNetworks
from mdfloss.input_range import to_input_range
from mdfloss.seeds import load_seed

CHROMA = 0.55
"""About the gain of `denoise` as learnt for chroma over that for luma, read by `whitened` (`mdfloss inspect`)."""


def random_discriminator(
    width: int, clean: Tensor, generator: torch.Generator, *, chroma: float = 1.0
) -> Discriminator:
    discriminator = ScaleNetworks(width, generator=generator).critic.train()
    luma = torch.full((3, 3), 1 / 3)
    seen = luma + chroma * (torch.eye(3) - luma)
    kernel = discriminator.head.conv.weight
    kernel.data = torch.einsum("oihw,ij->ojhw", kernel.data, seen)
    for block in discriminator.blocks:
        block.norm.momentum = 1.0
    with torch.no_grad():
        discriminator(clean)
    return discriminator.eval()


def patch_discriminator() -> Discriminator:
    discriminator = Discriminator(27)
    for parameter in discriminator.parameters():
        nn.init.zeros_(parameter)
    discriminator.head.conv.weight.data.copy_(torch.eye(27).reshape(27, 3, 3, 3))
    nn.init.ones_(discriminator.head.norm.weight)
    return discriminator.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bank")
    parser.add_argument("--seed", default="astronaut")
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    card = load_bank(options.bank).card
    degradation = Degradation(load_distortion(**card.distortion))
    clean, distorted = conditioning_pairs([load_seed(options.seed)], degradation, random_seed=0)
    fed = to_input_range(clean, card.input_range)
    controls = {"patches": [patch_discriminator()]}
    for name, chroma in {"random": 1.0, "luma": CHROMA}.items():
        generator = torch.Generator().manual_seed(options.random_seed)
        controls[name] = [random_discriminator(width, fed, generator, chroma=chroma) for width in card.widths]
    for name, discriminators in controls.items():
        widths = tuple(discriminator.width for discriminator in discriminators)
        described = dataclasses.replace(card, widths=widths, iterations=0, source=f"control: {name}")
        bank = whiten(DiscriminatorBank(discriminators, described), clean, distorted)
        bank.save(options.output / f"{name}.safetensors", force=True)


if __name__ == "__main__":
    main()
