"""How much noise drawing scales adds to the gradient of one step.

    python benchmarks/drawn_scales.py --bank BANK --image PICTURE

Computed from the gradients of the single scales, not sampled: the root of the variance of the drawn gradient, over the
length of the whole one, for m of K evenly spaced scales, and for any m of them. The pair is a crop, with and without
noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from mdfloss import MDFLoss
from mdfloss.conditioning import whiten
from mdfloss.images import read_image
from mdfloss.pretrained import load_bank


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bank", type=Path, nargs="+", required=True)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--definition", nargs="+", default=["whitened", "balanced"])
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--sigma", type=float, default=25, help="of the noise, in 1/255")
    options = parser.parse_args()
    image = read_image(options.image)
    top, left = ((side - options.size) // 2 for side in image.shape[2:])
    clean = image[..., top : top + options.size, left : left + options.size]
    noisy = clean + options.sigma / 255 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    for path in options.bank:
        bank = load_bank(path)
        bank = bank if bank.is_conditioned else whiten(bank, clean, noisy)
        count = len(bank)
        for definition in options.definition:
            gradients = []
            for scale in range(count):
                pred = noisy.clone().requires_grad_()
                MDFLoss(bank, definition=definition, scales=[scale])(pred, clean).backward()
                gradients.append(pred.grad.flatten())
            for kind, noise in {"evenly": evenly_drawn, "any": freely_drawn}.items():
                shown = ", ".join(f"{m}: {noise(torch.stack(gradients), m):.2f}" for m in (4, 2, 1) if m < count)
                print(f"{path.stem}, {definition}, {kind} of {count} scales {shown}", flush=True)


def evenly_drawn(gradients: Tensor, drawn: int) -> float:
    """The noise of the loss's own draw: (scales, pixels) gradients, from every start."""
    count = len(gradients)
    shares = [
        sum(gradients[(start + index * count // drawn) % count] for index in range(drawn)) for start in range(count)
    ]
    steps = torch.stack(shares) * (count / drawn)
    whole = gradients.sum(0)
    return ((steps - whole).square().sum(1).mean().sqrt() / whole.norm()).item()


def freely_drawn(gradients: Tensor, drawn: int) -> float:
    """The noise of drawing without replacement."""
    count = len(gradients)
    spread = (gradients - gradients.mean(0)).square().sum() / (count - 1)
    return ((count**2 / drawn * (1 - drawn / count) * spread).sqrt() / gradients.sum(0).norm()).item()


if __name__ == "__main__":
    main()
