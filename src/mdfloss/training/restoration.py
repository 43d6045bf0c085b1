"""Supervised training of a restoration network with any loss (paper section 3.2), on Lightning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from ..data import Pair
from ..distortions.protocol import load_distortion
from ..losses import build_loss
from ..networks import build_network
from .config import Hardware, TrainConfig
from .loop import fit, prepare_data
from .module import TrainingModule
from .run_folder import RunFolder

__all__ = ["RestorationModule", "TrainResult", "train"]


@dataclass(frozen=True)
class TrainResult:
    """What a run left.

    Args:
        folder: The run's folder.
        best: The best network by the config's `select`.
        last: The network of the last step.
        curves: CSV with one row a validation.
        val_psnr: Validation PSNR of the last step, dB, RGB, mean over pictures.
        best_score: Validation PSNR or loss of the best network.
        skipped: Number of pictures that could not be used; `skipped.txt` lists them.
    """

    folder: Path
    best: Path
    last: Path
    curves: Path
    val_psnr: float
    best_score: float
    skipped: int


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
    """
    folder = RunFolder(Path(output))
    network = build_network(config.network, **config.network_args)
    network.initialise(torch.Generator().manual_seed(config.seed))
    module = RestorationModule(config, network, build_loss(config.loss))
    distortion = load_distortion(**config.distortion)
    data = prepare_data(config.data, distortion, channels=network.in_channels, seed=config.seed)
    if getattr(rank_zero_only, "rank", 0) == 0:
        folder.start(config.to_dict(), resume=resume)
        folder.write_skipped(data.skipped)
    if resume and (state := folder.load_state()) is not None:
        module.restore_state(state)
    if module.step < config.steps:
        fit(module, data, folder, hardware or Hardware(), progress=progress)
    return TrainResult(
        folder=folder.path,
        best=folder.best,
        last=folder.last,
        curves=folder.curves,
        val_psnr=module.curves[-1]["val_psnr"],
        best_score=module.best_score or 0.0,
        skipped=len(data.skipped),
    )
