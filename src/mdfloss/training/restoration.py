"""Supervised training of a restoration network with any loss (paper section 3.2), on Lightning."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mdfloss.data import Pair
from mdfloss.losses import build_loss

from .config import Hardware, TrainConfig
from .loop import TrainResult, run
from .module import TrainingModule, first_network

__all__ = ["RestorationModule", "TrainResult", "train"]


class RestorationModule(TrainingModule):
    """One network, one loss, one optimiser."""

    def training_step(self, batch: Pair, batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of one batch."""
        pred = self.network(batch.distorted)
        self.check_finite(pred, "the network's output")
        loss: Tensor = self.loss(pred, batch.clean)
        self.add("train_loss", loss)
        return loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:  # noqa: ARG002
        """Note the gradient's norm, and clip it if asked to."""
        self.add("gradient_norm", self.clip(self.network))


def train(
    config: TrainConfig,
    output: str | Path,
    *,
    hardware: Hardware | None = None,
    resume: bool = False,
    progress: bool = False,
) -> TrainResult:
    """Train a restoration network.

    Args:
        config: What to do.
        output: Folder for the run; `mdfloss.training.run_folder` says what is written.
        hardware: Where to compute; one device, chosen by Lightning, by default.
        resume: Go on with the run in `output`, if there is one; it ends as if it had never stopped.
        progress: Show a progress bar with the time left.

    Raises:
        RunFolderError: `output` is in use, or holds a run with another config or a damaged checkpoint.
        ImageFileError: A folder has no usable picture.
        TrainingDivergedError: A value is no longer finite; the last good state is kept.
        ValueError: The start is another network than the config's.
    """
    network = first_network(config, torch.Generator().manual_seed(config.seed))
    module = RestorationModule(config, network, build_loss(config.loss))
    return run(module, config.to_dict(), output, hardware=hardware, resume=resume, progress=progress)
