"""The loss in a training loop of your own: python examples/own_loop.py BANK PICTURE [STEPS]."""

import sys

import torch
from torch import nn

from mdfloss import MDFLoss
from mdfloss.images import read_image


def main(bank: str, picture: str, steps: int = 100) -> None:
    clean = read_image(picture)  # 1×3×H×W in [0, 1]
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 3, 3, padding=1))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = MDFLoss(bank)  # a module like any other; its weights are frozen
    for step in range(steps):
        noisy = clean + 25 / 255 * torch.randn(clean.shape, generator=generator)
        value = loss(noisy - network(noisy), clean)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if step % 10 == 0:
            print(f"step {step}: {value.item():.3f}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
