"""The pieces around a training module: Lightning's trainer, and the files after each validation."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import DataLoader

from mdfloss.data import StepSampler
from mdfloss.networks import save_network

from .config import Hardware, TrainConfig
from .module import TrainingModule, learnt_digests
from .pictures import TrainingData, check_sizes, training_data
from .progress import StepProgress
from .run_folder import RunFolder

__all__ = ["Checkpoints", "TrainResult", "claim", "fit", "restore", "run", "write_checkpoint"]


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
        dead_relus: Share of the last network's ReLUs that fire on no validation picture.
        skipped: Number of pictures that could not be used; `skipped.txt` lists them.
    """

    folder: Path
    best: Path
    last: Path
    curves: Path
    val_psnr: float
    best_score: float
    dead_relus: float
    skipped: int


def run(
    module: TrainingModule,
    record: Mapping[str, Any],
    output: str | Path,
    *,
    hardware: Hardware | None,
    resume: bool,
    progress: bool,
) -> TrainResult:
    """Train a fresh module, or go on with the run that a folder holds.

    Args:
        module: With freshly drawn weights.
        record: All that decides the result, as plain values; kept in the folder and compared when a run is resumed.
        output: The run's folder.
        hardware: Where to compute.
        resume: Go on with the run in `output`.
        progress: Show a progress bar.
    """
    config, folder = module.config, RunFolder(Path(output))
    record = {**record, **learnt_digests(config)}
    with folder.held() if _is_first_process() else nullcontext():
        restore(module, folder, record, resume=resume)
        if module.step < config.steps:
            data = training_data(config, channels=module.network.in_channels)
            check_sizes(module.network, data)
            claim(folder, record, data)
            fit(module, data, folder, hardware or Hardware(), progress=progress)
    return TrainResult(
        folder=folder.path,
        best=folder.best,
        last=folder.last,
        curves=folder.curves,
        val_psnr=module.curves[-1]["val_psnr"],
        best_score=module.best_score or 0.0,
        dead_relus=module.curves[-1].get("dead_relus", 0.0),
        skipped=folder.count_skipped(),
    )


def restore(module: TrainingModule, folder: RunFolder, record: Mapping[str, Any], *, resume: bool) -> None:
    """Bring a module to where the run in a folder stands, if one is there; nothing is written.

    Args:
        module: With freshly drawn weights.
        folder: Of the run.
        record: All that decides the result.
        resume: Go on with the run that is there, if there is one.

    Raises:
        RunFolderError: The folder is in use, or holds a run with another config or a damaged checkpoint.
    """
    if _is_first_process():
        folder.check(record, resume=resume)
    if resume and (state := folder.load_state()) is not None:
        module.restore_state(state)


def claim(folder: RunFolder, record: Mapping[str, Any], data: TrainingData) -> None:
    """Write what a run does, and which pictures it leaves out, before its first step.

    Args:
        folder: Of the run.
        record: All that decides the result.
        data: Its pictures.
    """
    if _is_first_process():
        folder.start(record)
        folder.write_skipped(data.skipped)


def _is_first_process() -> bool:
    return getattr(rank_zero_only, "rank", 0) == 0


class Checkpoints(pl.Callback):
    """Writes the run's files after each validation.

    Args:
        folder: Where.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write, on the first device only."""
        module: TrainingModule = pl_module  # type: ignore[assignment]
        improved = module.improve()
        if not trainer.is_global_zero:
            return
        write_checkpoint(module, self.folder, improved=improved)
        for logger in trainer.loggers:
            logger.log_metrics(module.curves[-1], module.step)


def write_checkpoint(module: TrainingModule, folder: RunFolder, *, improved: bool) -> None:
    """Write the files of a run after a validation; the checkpoint last, so that it never runs ahead.

    Args:
        module: What is trained.
        folder: Where.
        improved: The network is the best so far.
    """
    card = {"distortion": module.config.distortion, "loss": module.config.loss, "step": module.step}
    for path in (folder.last, *([folder.best] if improved else [])):
        save_network(module.network, path, force=True, **card)  # type: ignore[arg-type]
    folder.write_curves(module.curves)
    folder.save_state(module.state())


def fit(module: TrainingModule, data: TrainingData, folder: RunFolder, hardware: Hardware, *, progress: bool) -> None:
    """Run Lightning's loop over the steps that are left.

    Args:
        module: What is trained; it knows how many steps are done.
        data: Patches and validation pairs.
        folder: Where the run's files go.
        hardware: Where to compute.
        progress: Show a progress bar.
    """
    config = module.config
    with _quiet_lightning():
        try:
            trainer = _trainer(config, folder, hardware, progress=progress)
        except MisconfigurationException as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"accelerator {hardware.accelerator!r}, {hardware.devices} devices: {reason}") from error
        share = {"rank": trainer.global_rank, "num_ranks": trainer.world_size}
        sampler = StepSampler(module.step, config.steps, batch_size=config.batch_size, **share)
        on_cpu = trainer.strategy.root_device.type == "cpu"
        workers = (0 if on_cpu else 4) if hardware.num_workers is None else hardware.num_workers
        loader = DataLoader(data.patches, batch_sampler=sampler, num_workers=workers, pin_memory=not on_cpu)
        try:
            trainer.fit(module, loader, DataLoader(data.validation, batch_size=None))  # type: ignore[arg-type]
        except SystemExit as stop:  # what Lightning makes of Ctrl+C
            raise KeyboardInterrupt from stop


def _trainer(config: TrainConfig, folder: RunFolder, hardware: Hardware, *, progress: bool) -> pl.Trainer:
    return pl.Trainer(
        accelerator=hardware.accelerator,
        devices=hardware.devices,
        num_nodes=hardware.num_nodes,
        precision="bf16-mixed" if config.precision == "bfloat16" else "32-true",
        max_epochs=1,
        val_check_interval=config.val_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=_tensorboard(folder),
        callbacks=[Checkpoints(folder), *([StepProgress(config.steps)] if progress else [])],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )


def _tensorboard(folder: RunFolder) -> Any:
    """A TensorBoard logger where the package is installed, else False."""
    try:
        from lightning.pytorch.loggers import TensorBoardLogger

        return TensorBoardLogger(folder.path, name="", version="tensorboard")
    except ModuleNotFoundError:
        return False


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep back Lightning's advice on workers, devices and loggers: those were chosen on purpose."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
