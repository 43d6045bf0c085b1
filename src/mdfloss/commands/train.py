"""`mdfloss train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonargparse import lazy_instance  # type: ignore[attr-defined]
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from mdfloss.distortions import AnyDistortion, GaussianNoise, check_distortion, describe_distortion
from mdfloss.networks import DnCNN, RestorationNetwork
from mdfloss.training import (
    AdversarialConfig,
    DataConfig,
    Hardware,
    OptimizerConfig,
    TrainConfig,
    TrainResult,
    train_adversarial,
)
from mdfloss.training import train as run_training
from mdfloss.training.adversarial import GanVariant
from mdfloss.training.config import OptimizerName, Precision, Schedule, Selection

_BLIND_NOISE = GaussianNoise()
_DENOISER = lazy_instance(DnCNN)

PRESETS = {path.stem: path for path in sorted(Path(__file__).parents[1].glob("training/recipes/*.yaml"))}
"""Recipes that --preset names, as files of options."""

MANY_DEAD = 0.1
"""Share of dead ReLUs from which on it is said what keeps more of them alive."""


def train(
    *,
    train_dir: str,
    val_dir: str,
    output: Path,
    train_distorted_dir: Path | None = None,
    val_distorted_dir: Path | None = None,
    loss: str = "l1",
    distortion: AnyDistortion = _BLIND_NOISE,
    network: RestorationNetwork = _DENOISER,
    steps: int = 1000,
    batch_size: int = 8,
    patch_size: int = 48,
    optimizer: OptimizerName = "adam",
    lr: float = 1e-3,
    schedule: Schedule = "cosine",
    lr_final: float = 0.0,
    milestones: tuple[int, ...] = (),
    gamma: float = 0.5,
    weight_decay: float = 0.0,
    clip_norm: float | None = None,
    warmup_steps: int = OptimizerConfig.warmup_steps,
    val_every: int = 500,
    val_images: int = 16,
    val_size: int = 192,
    select: Selection = "psnr",
    precision: Precision = "float32",
    seed: int = 0,
    adversarial: GanVariant | None = None,
    adversarial_weight: float | None = None,
    critic_features: int = 64,
    start: Path | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    num_nodes: int = 1,
    num_workers: int | None = None,
    resume: bool = False,
) -> None:
    """Train a restoration network on folders of clean pictures.

    Args:
        train_dir: Clean training pictures: a folder, or shards there or in S3 (s3://bucket/set).
        val_dir: Clean validation pictures, likewise.
        output: Folder of the run; a used one needs --resume.
        train_distorted_dir: Folder of distorted partners, by name; no distortion is made then.
        val_distorted_dir: The same for validation.
        loss: l1, mse, mdf:BANK[@DEFINITION], or a weighted sum such as "l1+0.1*mdf:bank.safetensors".
        distortion: What the network shall undo: GaussianNoise, Jpeg, ... or the import path of your own.
        network: DnCNN, EDSR, ...
        steps: Optimisation steps.
        batch_size: Patches a step, over all devices.
        patch_size: Side of a clean patch, px; against a critic a multiple of 32 (esrgan) or 16 (srgan).
        optimizer: adam, or sgd (Nesterov momentum 0.9).
        lr: Learning rate of the first step.
        schedule: cosine and exponential go to lr_final, step multiplies by gamma at the milestones.
        lr_final: Learning rate at the end.
        milestones: Steps at which the step schedule acts, as [1000,2000].
        gamma: Factor of the step schedule.
        weight_decay: L2 penalty on the weights.
        clip_norm: Largest norm of the gradient.
        warmup_steps: Steps, at most a tenth of all, in which the learning rate rises to the schedule's.
        val_every: Steps between validations and checkpoints.
        val_images: Validation pictures.
        val_size: Largest side of a validation crop, px.
        select: What makes a network the best one: psnr (highest) or loss (lowest).
        precision: float32, or bfloat16 for the network's convolutions.
        seed: Decides weights, patches and distortions.
        adversarial: esrgan or srgan trains against a critic; the loss becomes the reconstruction term.
        adversarial_weight: Of the adversarial term; 5e-3 for esrgan and 1e-3 for srgan by default.
        critic_features: Channels of the critic's first stage.
        start: Network file, or folder of a run, to start from.
        accelerator: auto, cpu, gpu, ...
        devices: Devices on each node.
        num_nodes: Machines.
        num_workers: Processes that prepare patches; none on a CPU by default, 4 elsewhere.
        resume: Go on with the run in the output folder, if there is one; give the same options.
    """
    config = TrainConfig(
        data=DataConfig(
            train_dir=train_dir,
            val_dir=val_dir,
            patch_size=patch_size,
            val_images=val_images,
            val_size=val_size,
            train_distorted_dir=_text(train_distorted_dir),
            val_distorted_dir=_text(val_distorted_dir),
        ),
        loss=loss,
        distortion={} if train_distorted_dir is not None else _described(distortion, network, patch_size),
        network=type(network).__name__,
        network_args=network.arguments,
        optimizer=OptimizerConfig(
            name=optimizer,
            lr=lr,
            schedule=schedule,
            lr_final=lr_final,
            milestones=milestones,
            gamma=gamma,
            weight_decay=weight_decay,
            clip_norm=clip_norm,
            warmup_steps=warmup_steps,
        ),
        steps=steps,
        batch_size=batch_size,
        val_every=val_every,
        select=select,
        precision=precision,
        seed=seed,
        start=_text(start),
    )
    hardware = Hardware(accelerator=accelerator, devices=devices, num_nodes=num_nodes, num_workers=num_workers)
    if adversarial is None:
        result = run_training(config, output, hardware=hardware, resume=resume, progress=True)
    else:
        game = AdversarialConfig(game=adversarial, weight=adversarial_weight, num_features=critic_features)
        result = train_adversarial(config, game, output, hardware=hardware, resume=resume, progress=True)
    _say_result(result, output, select)


def _described(distortion: AnyDistortion, network: RestorationNetwork, patch_size: int) -> dict[str, Any]:
    """The distortion by name, once it was tried."""
    check_distortion(distortion, channels=network.in_channels, size=patch_size)
    return describe_distortion(distortion)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _say_result(result: TrainResult, output: Path, select: Selection) -> None:
    if getattr(rank_zero_only, "rank", 0) != 0:  # other processes of the same run have nothing to add
        return
    console = Console(highlight=False)
    if result.skipped:
        console.print(f"{result.skipped} pictures were skipped, see {output / 'skipped.txt'}", markup=False)
    console.print(
        f"{result.best}: best validation {select} {result.best_score:.4g}; last {result.val_psnr:.2f} dB",
        markup=False,
    )
    if result.dead_relus > MANY_DEAD:
        console.print(
            f"{result.dead_relus:.0%} of its ReLUs fire on no validation picture and learn nothing any more: more "
            "warmup_steps or a lower lr keep more of them",
            markup=False,
        )
