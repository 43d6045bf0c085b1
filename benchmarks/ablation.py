"""What pays in a loss: short trainings of one small network on the same batches with variants of a loss.

    python benchmarks/ablation.py --images DIR --steps 1000 --seed 1 --output OUT l1 mse "l1+BANK@scales=0246"
    python benchmarks/ablation.py --images DIR --steps 400 --lr 3e-4 --start OUT/l1.safetensors --output OUT2 l1 mse …

DIR has `train` and `val`. A loss is a sum of terms, each brought to the same value on slightly distorted patches.
A term is
    a loss by name                       l1, mse, charbonnier, …
    rms | log                            root, or logarithm, of each image's mean squared error
    box5                                 mean root of the squared error in boxes of 5 px
    pyramid4                             L1 on 4 levels, each the mean of 2×2 px of the one before, added up
    BANK.safetensors[@OPTIONS]           its maps before LeakyReLU, whitened for the distortion on patches of DIR/train
    random16x4[@OPTIONS]                 the same of 4 random discriminators with 16 channels
with OPTIONS scales=0246, blocks=0123, norm=abs|square|rms|log, joined by commas. Means over validation pictures are
printed and appended to OUT/results.jsonl, and each network is kept.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mdfloss import BankCard, DiscriminatorBank, load_bank
from mdfloss.bank import NEGATIVE_SLOPE, Discriminator
from mdfloss.conditioning import PADDING, to_input_range, whiten
from mdfloss.distortions import Distortion, GaussianNoise, Jpeg
from mdfloss.evaluation import MetricProtocol, measure
from mdfloss.images import find_images, read_image
from mdfloss.losses import build_loss
from mdfloss.networks import build_network, load_network, save_network

TRAINED: dict[str, Distortion] = {"noise": GaussianNoise((0, 55)), "jpeg": Jpeg(10)}
TESTED: dict[str, dict[str, Distortion]] = {
    "noise": {f"sigma {sigma}": GaussianNoise(sigma) for sigma in (15, 25, 50)},
    "jpeg": {"quality 10": Jpeg(10)},
}
METRICS = ("psnr", "ssim", "haarpsi", "gmsd", "mdsi", "vsi")
BATCH, PATCH = 8, 48
Loss = Callable[[Tensor, Tensor], Tensor]
NORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "abs": lambda d: d.abs().mean((1, 2, 3)),
    "square": lambda d: d.square().mean((1, 2, 3)),
    "rms": lambda d: (d.square().mean((1, 2, 3)) + 1e-9).sqrt(),
    "log": lambda d: (d.square().mean((1, 2, 3)) + 1e-9).log(),
}


class Pictures:
    """Pictures of one shape in memory, and random patches of them."""

    def __init__(self, folder: Path) -> None:
        read = [(read_image(path)[0] * 255).round().byte() for path in find_images(folder)]
        self.levels = torch.stack([x.transpose(1, 2) if x.shape[1] > x.shape[2] else x for x in read])

    def patches(self, generator: torch.Generator, *, count: int = BATCH, size: int = PATCH) -> Tensor:
        """(count, 3, size, size) in [0, 1]."""
        number, _, height, width = self.levels.shape
        limits = (number, height - size + 1, width - size + 1, 8)
        draws = zip(*(torch.randint(limit, (count,), generator=generator).tolist() for limit in limits), strict=True)
        return torch.stack([self._patch(*draw, size) for draw in draws])

    def _patch(self, picture: int, top: int, left: int, turn: int, size: int) -> Tensor:
        patch = self.levels[picture, :, top : top + size, left : left + size].float() / 255
        return torch.rot90(patch.flip(2) if turn >= 4 else patch, turn % 4, (1, 2))


class FeatureLoss:
    """A norm of the whitened differences of a bank's maps, the mean over maps and images."""

    def __init__(self, bank: DiscriminatorBank, *, blocks: str = "0123", norm: str = "abs") -> None:
        self.bank, self.blocks, self.norm = bank.eval().requires_grad_(False), tuple(map(int, blocks)), NORMS[norm]

    def __call__(self, pred: Tensor, target: Tensor) -> Tensor:
        """Of two (N, 3, H, W) in [0, 1]."""
        both = to_input_range(torch.cat([pred, target]), self.bank.card.input_range)
        both = nn.functional.pad(both, [PADDING] * 4, mode="reflect")
        return torch.stack([size for discriminator in self.bank for size in self._sizes(discriminator, both)]).mean()

    def _sizes(self, discriminator: Discriminator, x: Tensor) -> list[Tensor]:
        sizes, half = [], len(x) // 2
        for index, block in enumerate(discriminator.blocks[: max(self.blocks) + 1]):
            response = block.response(x)
            if index in self.blocks and discriminator.whitening is not None:
                matrix = discriminator.whitening[index, :, :, None, None]
                sizes.append(self.norm(nn.functional.conv2d(response[:half] - response[half:], matrix)))
            x = nn.functional.leaky_relu(response, NEGATIVE_SLOPE)
        return sizes


def box_loss(side: int) -> Loss:
    def loss(pred: Tensor, target: Tensor) -> Tensor:
        squares = (pred - target).square().sum(1, keepdim=True)
        padded = nn.functional.pad(squares, [side // 2] * 4, mode="reflect")
        return (nn.functional.avg_pool2d(padded, side, 1) + 1e-6).sqrt().mean()

    return loss


def pyramid_loss(levels: int) -> Loss:
    def loss(pred: Tensor, target: Tensor) -> Tensor:
        difference, total = pred - target, pred.new_zeros(())
        for _ in range(levels):
            total = total + difference.abs().mean()
            difference = nn.functional.avg_pool2d(difference, 2)
        return total

    return loss


def random_bank(width: int, scales: int, clean: Tensor) -> DiscriminatorBank:
    torch.manual_seed(0)
    discriminators = [Discriminator(width) for _ in range(scales)]
    for discriminator in discriminators:
        for module in discriminator.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.normal_(module.weight, 0, 0.02)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1, 0.02)
                module.momentum = 1.0
        with torch.no_grad():
            discriminator.train()(clean * 2 - 1)
    return DiscriminatorBank(discriminators, BankCard("random", (width,) * scales))


def term(text: str, train: Pictures, distortion: Distortion) -> Loss:
    name, _, described = text.partition("@")
    if name in ("rms", "log"):
        return lambda pred, target: NORMS[name](pred - target).mean()
    if name.startswith("box"):
        return box_loss(int(name[3:]))
    if name.startswith("pyramid"):
        return pyramid_loss(int(name[7:]))
    if not name.startswith("random") and not name.endswith(".safetensors"):
        return build_loss(name)
    options = dict(option.split("=") for option in described.split(",") if option)
    generator = torch.Generator().manual_seed(5)
    clean = train.patches(generator, count=16, size=96)
    bank = random_bank(*map(int, name[6:].split("x")), clean) if name.startswith("random") else load_bank(name)
    if "scales" in options:
        bank = bank.subset([int(scale) for scale in options.pop("scales")])
    return FeatureLoss(whiten(bank, clean, distortion(clean, generator)), **options)


def balanced(text: str, train: Pictures, distortion: Distortion) -> Loss:
    generator = torch.Generator().manual_seed(9)
    clean = train.patches(generator)
    near = 0.8 * clean + 0.2 * distortion(clean, generator).clamp(0, 1)
    terms = [term(part, train, distortion) for part in text.split("+")]
    if len(terms) == 1:
        return terms[0]
    weights = [1 / loss(near, clean).item() for loss in terms]
    return lambda pred, target: sum(
        (w * f(pred, target) for w, f in zip(weights, terms, strict=True)), pred.new_zeros(())
    )


def trained(loss: Loss, train: Pictures, options: argparse.Namespace) -> nn.Module:
    torch.manual_seed(options.seed)
    network = load_network(options.start) if options.start else build_network("DnCNN", num_layers=7, num_features=32)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=options.lr)
    generator = torch.Generator().manual_seed(1000 + options.seed)
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = options.lr * (1 + math.cos(math.pi * step / options.steps)) / 2
        clean = train.patches(generator)
        value = loss(network(TRAINED[options.task](clean, generator)), clean)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return network.eval()


@torch.no_grad()
def scores(network: nn.Module, validation: Pictures, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    chosen = np.linspace(0, len(validation.levels) - 1, options.pictures).round().astype(int).tolist()
    found = {}
    for name, distortion in TESTED[options.task].items():
        rows = []
        for index in chosen:
            clean = validation.levels[index : index + 1].float() / 255
            restored = network(distortion(clean, torch.Generator().manual_seed(index))).clamp(0, 1)
            rows.append([measure(m, restored, clean, protocol=MetricProtocol()).item() for m in METRICS])
        found[name] = dict(zip(METRICS, np.mean(rows, axis=0).tolist(), strict=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("losses", nargs="+")
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--task", choices=list(TRAINED), default="noise")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--pictures", type=int, default=12)
    options = parser.parse_args()
    train, validation = (Pictures(options.images / part) for part in ("train", "val"))
    options.output.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(options.losses):
        loss = balanced(text, train, TRAINED[options.task])
        started = time.process_time()
        network = trained(loss, train, options)
        row = {"loss": text, "task": options.task, "steps": options.steps, "seed": options.seed}
        row |= {"seconds": time.process_time() - started, "scores": scores(network, validation, options)}
        with (options.output / "results.jsonl").open("a") as file:
            file.write(json.dumps(row) + os.linesep)
        save_network(network, options.output / f"{number}.safetensors", force=True)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
