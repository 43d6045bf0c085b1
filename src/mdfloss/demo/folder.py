"""The demo's folder: what lies where, and the photographs that it starts from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from mdfloss.distortions import GaussianNoise
from mdfloss.files import atomic_write
from mdfloss.images import write_image
from mdfloss.resuming import differences
from mdfloss.seeds import photograph

__all__ = ["PARTS", "DemoFolder"]

PARTS: Mapping[str, tuple[str, ...]] = {
    "seed": ("astronaut",),
    "train": ("coffee", "motorcycle", "hubble", "retina", "tissue", "brick", "grass"),
    "validation": ("moon", "gravel"),
    "test": ("chelsea", "rocket", "camera", "coins"),
}
"""Part of the demo → names of `mdfloss.seeds.PHOTOGRAPHS`."""

MARKER = "demo.json"


class DemoFolder:
    """Paths of a demo, and the state of the folder.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bank = path / "bank.safetensors"
        self.fit = path / "bank.safetensors.fit"
        self.distorted = path / "photographs" / "test-noisy"
        self.scores = path / "scores.csv"
        self.page = path / "report.html"

    def photographs(self, part: str) -> Path:
        """Folder of one part of the photographs: "seed", "train", "validation" or "test"."""
        return self.path / "photographs" / part

    def run(self, loss: str) -> Path:
        """Folder of the training with a loss."""
        return self.path / "train" / loss

    def restored(self, loss: str) -> Path:
        """Folder of what the network trained with a loss made of the noisy pictures."""
        return self.path / "restored" / loss

    def start(self, config: Mapping[str, Any], *, resume: bool, force: bool) -> None:
        """Claim the folder.

        Args:
            config: Options of the demo.
            resume: Go on with a demo of the same options.
            force: Delete a demo that is there. A folder that no demo made is never deleted.

        Raises:
            FileExistsError: The folder is in use, and neither `resume` nor `force` allows to go on.
            ValueError: `resume`, but the demo in the folder has other options.
        """
        marker = self.path / MARKER
        occupied = self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir()))
        if occupied and not marker.is_file():
            raise FileExistsError(f"{self.path} exists and was not made by the demo: choose another --output")
        if occupied and resume:
            found = json.loads(marker.read_text("utf-8"))
            if different := differences(found, config):
                raise ValueError(
                    f"{self.path} holds a demo with other options ({'; '.join(different)}): "
                    "leave out --resume, add --force"
                )
            return
        if occupied and not force:
            raise FileExistsError(f"{self.path} holds a demo: pass --resume to go on with it, or --force to begin anew")
        if occupied:
            shutil.rmtree(self.path)
        with atomic_write(marker) as partial:
            partial.write_text(json.dumps(config), "utf-8")

    def write_photographs(self, distortion: GaussianNoise, *, seed: int) -> None:
        """Write the photographs as 8-bit colour PNG files, and the test pictures with noise as a camera would.

        Args:
            distortion: What the noisy test pictures get; they are clipped and rounded, as files are.
            seed: Of the noise.
        """
        for part, names in PARTS.items():
            for index, name in enumerate(names):
                image = photograph(name)
                write_image(self.photographs(part) / f"{name}.png", image, force=True)
                if part == "test":
                    generator = torch.Generator().manual_seed(seed + index)
                    write_image(self.distorted / f"{name}.png", distortion(image, generator), force=True)
