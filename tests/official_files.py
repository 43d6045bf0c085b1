"""Files in the authors' old pickle format, made from classes of our own under the authors' names."""

from __future__ import annotations

import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn


class ConvBlock(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.add_module("conv", nn.Conv2d(in_channels, out_channels, 3))
        self.add_module("norm", nn.BatchNorm2d(out_channels))
        self.add_module("LeakyRelu", nn.LeakyReLU(0.2, inplace=True))


class WDiscriminator(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.is_cuda = False
        self.head = ConvBlock(3, width)
        self.body = nn.Sequential()
        for index in (1, 2, 3):
            self.body.add_module(f"block{index}", ConvBlock(width, width))
        self.tail = nn.Conv2d(width, 1, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.tail(self.body(self.head(x)))


@contextmanager
def singan_names() -> Iterator[None]:
    """Make the two classes importable as members of `SinGAN.models`, as pickling asks."""
    package, models = types.ModuleType("SinGAN"), types.ModuleType("SinGAN.models")
    for cls in (ConvBlock, WDiscriminator):
        cls.__module__ = "SinGAN.models"
        setattr(models, cls.__name__, cls)
    sys.modules.update({"SinGAN": package, "SinGAN.models": models})
    try:
        yield
    finally:
        del sys.modules["SinGAN"], sys.modules["SinGAN.models"]


def write_official(path: Path, obj: object) -> None:
    """Save as torch did before its zip format."""
    with singan_names(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(obj, path, _use_new_zipfile_serialization=False)
