"""The discriminators of phase 1, and the one file format that holds them.

A bank is K small patch critics (paper section 3.1, after SinGAN): five 3×3 convolutions without padding, so
that each output sees 11×11 pixels. In phase 2 their inner maps are the feature space of the loss.
The file is `.safetensors`: plain tensors named `scale0.head.conv.weight`, and one JSON card in the header.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from .card import BankCard, BankFileError
from .tensor_file import read_tensor_file, write_tensor_file

__all__ = [
    "CARD_KEY",
    "NEGATIVE_SLOPE",
    "RECEPTIVE_FIELD",
    "BankCard",
    "BankFileError",
    "ConvBlock",
    "Discriminator",
    "DiscriminatorBank",
]

RECEPTIVE_FIELD = 11
"""Pixels on each side that one output of a discriminator sees; the smallest image it accepts."""

NEGATIVE_SLOPE = 0.2
"""Of every LeakyReLU."""

CARD_KEY = "mdfloss"
"""The header's entry that holds the card; the authors' files have none."""


class ConvBlock(nn.Module):
    """3×3 convolution without padding, BatchNorm, LeakyReLU(0.2).

    Args:
        in_channels: Channels of the input map.
        out_channels: Channels of the output map.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3)
        self.norm = nn.BatchNorm2d(out_channels)

    def response(self, x: Tensor) -> Tensor:
        """The map before its LeakyReLU, (N, C, H - 2, W - 2)."""
        response: Tensor = self.norm(self.conv(x))
        return response

    def forward(self, x: Tensor) -> Tensor:
        """The map after its LeakyReLU, (N, C, H - 2, W - 2)."""
        return nn.functional.leaky_relu(self.response(x), NEGATIVE_SLOPE)


class Discriminator(nn.Module):
    """The critic D^k of one scale: a head, three body blocks and a one-channel tail without sigmoid.

    Args:
        width: Channels of every hidden map.
        in_channels: Channels of the image.
    """

    def __init__(self, width: int, *, in_channels: int = 3) -> None:
        super().__init__()
        self.head = ConvBlock(in_channels, width)
        self.body = nn.ModuleDict({f"block{i}": ConvBlock(width, width) for i in (1, 2, 3)})
        self.tail = nn.Conv2d(width, 1, 3)
        self.register_buffer("whitening", None)
        self.whitening: Tensor | None
        """(4, C, C), one matrix for each block's response, once the bank has been conditioned."""

    @property
    def width(self) -> int:
        """Channels of every hidden map."""
        return self.tail.in_channels

    @property
    def blocks(self) -> list[ConvBlock]:
        """Head and body blocks, from the image to the tail."""
        return [self.head, *self.body.values()]  # type: ignore[list-item]

    def forward(self, image: Tensor) -> Tensor:
        """Score patches.

        Args:
            image: (N, C, H, W) in the bank's input range, at least 11 px a side.

        Returns:
            (N, 1, H - 10, W - 10), one score for each 11×11 patch; higher looks more like the seed.
        """
        x = image
        for block in self.blocks:
            x = block(x)
        score: Tensor = self.tail(x)
        return score

    def responses(self, image: Tensor) -> list[Tensor]:
        """Every map before its non-linearity: the four blocks' and the tail's, finest last.

        Args:
            image: (N, C, H, W) in the bank's input range, at least 11 px a side.
        """
        maps: list[Tensor] = []
        x = image
        for block in self.blocks:
            maps.append(block.response(x))
            x = nn.functional.leaky_relu(maps[-1], NEGATIVE_SLOPE)
        return [*maps, self.tail(x)]


class DiscriminatorBank(nn.Module):
    """K discriminators, coarsest first, with their card.

    Args:
        discriminators: One for each scale.
        card: What the file will say of them.
        reductions: By how much an image is reduced at the scale of each, 1 for the finest; by default as the card says.
    """

    def __init__(
        self, discriminators: Iterable[Discriminator], card: BankCard, *, reductions: Sequence[float] | None = None
    ) -> None:
        super().__init__()
        self.discriminators = nn.ModuleList(discriminators)
        self.card = card
        if reductions is None and card.rho is not None:
            reductions = [card.rho**steps for steps in reversed(range(len(self)))]
        self.reductions = reductions
        widths = tuple(d.width for d in self)
        if widths != card.widths:
            raise ValueError(f"the card says widths {card.widths}, the discriminators have {widths}")

    def __len__(self) -> int:
        return len(self.discriminators)

    def __iter__(self) -> Iterator[Discriminator]:
        return iter(self.discriminators)  # type: ignore[arg-type]

    @property
    def is_conditioned(self) -> bool:
        """Whether every discriminator carries whitening matrices."""
        return all(discriminator.whitening is not None for discriminator in self)

    def __getitem__(self, scale_index: int) -> Discriminator:
        """The discriminator of one scale, 0 = coarsest."""
        return self.discriminators[scale_index]  # type: ignore[return-value]

    def subset(self, scales: Sequence[int]) -> DiscriminatorBank:
        """A bank of the chosen scales, sharing their weights.

        Args:
            scales: Indices from the coarsest, 0 ≤ index < K.

        Raises:
            ValueError: No scale, a repeated one, or one that the bank lacks.
        """
        indices = list(scales)
        if not indices or len(set(indices)) != len(indices) or not set(indices) <= set(range(len(self))):
            raise ValueError(f"scales must be distinct and within 0..{len(self) - 1}, got {indices}")
        card = dataclasses.replace(self.card, widths=tuple(self.card.widths[i] for i in indices))
        reductions = None if self.reductions is None else [self.reductions[i] for i in indices]
        return DiscriminatorBank([self[i] for i in indices], card, reductions=reductions)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write the bank as `.safetensors`.

        Args:
            path: File to write; its suffix must be `.safetensors`.
            force: Replace an existing file.

        Raises:
            FileExistsError: The file exists and `force` is False.
            ValueError: Another suffix.
        """
        tensors = {
            key.replace("discriminators.", "scale", 1): value.detach().cpu().contiguous()
            for key, value in self.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }
        metadata = {CARD_KEY: self.card.to_json(), "sha256": _digest(tensors)}
        write_tensor_file(path, tensors, metadata, kind="bank", force=force)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> DiscriminatorBank:
        """Read a bank; nothing in the file is executed.

        Args:
            path: A file that `save` wrote.

        Returns:
            The bank in eval mode, on the CPU.

        Raises:
            FileNotFoundError: No such file.
            BankFileError: Damaged, not a bank, or of a newer format.
        """
        tensors, metadata = read_tensor_file(path, kind="bank", error=BankFileError)
        if CARD_KEY not in metadata:
            raise BankFileError(
                f"{path} has no mdfloss card: if it holds the authors' released weights, run "
                f"`mdfloss import-official {path} -o BANK.safetensors`"
            )
        try:
            card = BankCard.from_json(metadata[CARD_KEY])
        except BankFileError as error:
            raise BankFileError(f"{path}: {error}") from error
        if metadata.get("sha256") != _digest(tensors):
            raise BankFileError(f"{path} is damaged: its tensors do not match their checksum; get it anew")
        return cls.from_tensors(tensors, card, name=str(path))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], card: BankCard, *, name: str) -> DiscriminatorBank:
        """Build a bank from tensors in the file's key layout.

        Args:
            tensors: `scale0.head.conv.weight`, `scale0.head.norm.running_mean`, … for every scale.
            card: Its widths say the shapes.
            name: What an error calls the source.

        Raises:
            BankFileError: Keys or shapes do not fit the card, or a value is not finite.
        """
        for index, width in enumerate(card.widths):  # before networks of any size are made
            key = f"scale{index}.tail.weight"
            if key not in tensors:
                raise BankFileError(f"{name} has no {key}, and its card says {len(card.widths)} scales")
            if (shape := tuple(tensors[key].shape)) != (1, width, 3, 3):
                raise BankFileError(f"{name}: {key} has shape {shape}, expected {(1, width, 3, 3)}")
        bank = cls([Discriminator(width) for width in card.widths], card)
        if any(key.endswith(".whitening") for key in tensors):
            for discriminator in bank:
                discriminator.whitening = torch.zeros(4, discriminator.width, discriminator.width)
        state = {
            f"discriminators.{key.removeprefix('scale')}": value
            for key, value in tensors.items()
            if not key.endswith("num_batches_tracked")
        }
        expected = {k: v for k, v in bank.state_dict().items() if not k.endswith("num_batches_tracked")}
        if missing := sorted(set(expected) ^ set(state)):
            raise BankFileError(f"{name} does not hold the tensors its widths {card.widths} ask for: {missing[:4]}")
        for key, value in state.items():
            if value.shape != expected[key].shape:
                seen, wanted = tuple(value.shape), tuple(expected[key].shape)
                raise BankFileError(f"{name}: {key} has shape {seen}, expected {wanted}")
            if not torch.isfinite(value).all():
                raise BankFileError(f"{name}: {key} holds values that are not finite")
        bank.load_state_dict(state, strict=False)
        return bank.eval()


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, shapes and bytes, so that a flipped bit is noticed."""
    digest = hashlib.sha256()
    for key in sorted(tensors):
        value = tensors[key]
        digest.update(f"{key}{value.dtype}{tuple(value.shape)}".encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
