"""What a training run is asked to do, and the optimiser and schedule that follow from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_type_hints

import torch
from torch import nn

__all__ = [
    "DataConfig",
    "Hardware",
    "OptimizerConfig",
    "OptimizerName",
    "Precision",
    "Schedule",
    "Selection",
    "TrainConfig",
    "make_optimizer",
]

OptimizerName = Literal["adam", "sgd"]
Schedule = Literal["cosine", "exponential", "step", "constant"]
Precision = Literal["float32", "bfloat16"]
Selection = Literal["psnr", "loss"]


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Where the pictures are and how they are cut.

    Args:
        train_dir: Clean training pictures: a folder, or shards in a folder or at an address such as s3://bucket/set.
        val_dir: Clean validation pictures, likewise.
        patch_size: Side of a clean training patch, px.
        val_images: Validation pictures, spread evenly over the folder.
        val_size: Largest side of a validation crop, px.
        train_distorted_dir: Folder of the distorted partners of the training pictures; then no distortion is made.
        val_distorted_dir: The same for validation; both or none.
    """

    train_dir: str
    val_dir: str
    patch_size: int = 48
    val_images: int = 16
    val_size: int = 192
    train_distorted_dir: str | None = None
    val_distorted_dir: str | None = None

    def __post_init__(self) -> None:
        _check_positive(self, ("patch_size", "val_images", "val_size"))
        if (self.train_distorted_dir is None) != (self.val_distorted_dir is None):
            raise ValueError("distorted pictures are needed for training and validation, or for neither")


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """Optimiser and learning rate.

    Args:
        name: "adam" (β = 0.9, 0.999), or "sgd" (Nesterov momentum 0.9, the paper's choice for DnCNN).
        lr: Learning rate of the first step.
        schedule: "cosine" and "exponential" go from `lr` to `lr_final`, "step" multiplies by `gamma` at each of
            `milestones`, "constant" stays.
        lr_final: Learning rate at the end of "cosine" and "exponential".
        milestones: Steps, ascending, for "step".
        gamma: Factor for "step".
        weight_decay: L2 penalty on the weights; 1e-4 in the paper's recipe.
        clip_norm: Largest norm of the whole gradient; None does not clip.
        warmup_steps: Over so many steps, at most a tenth of the training, the rate rises to the schedule's. Adam's
            first steps are as long as its rate whatever the gradient, and at full length they kill ReLUs for good.
    """

    name: OptimizerName = "adam"
    lr: float = 1e-3
    schedule: Schedule = "cosine"
    lr_final: float = 0.0
    milestones: tuple[int, ...] = ()
    gamma: float = 0.5
    weight_decay: float = 0.0
    clip_norm: float | None = None
    warmup_steps: int = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(self.milestones))
        _check_choices(self)
        if not self.lr > 0:
            raise ValueError(f"lr must be positive, got {self.lr}")
        if self.warmup_steps < 0:
            raise ValueError(f"warmup_steps must not be negative, got {self.warmup_steps}")
        if self.schedule == "exponential" and not self.lr_final > 0:
            raise ValueError(f"the exponential schedule needs lr_final > 0, got {self.lr_final}")
        if self.schedule == "step" and not self.milestones:
            raise ValueError("the step schedule needs milestones, for example [200000]")

    def lr_at(self, step: int, steps: int) -> float:
        """Learning rate of step `step` (from 0) in a run of `steps`."""
        warmth = min(1.0, (step + 1) / max(1.0, min(self.warmup_steps, steps / 10)))
        return warmth * self._scheduled(step, steps)

    def _scheduled(self, step: int, steps: int) -> float:
        part = step / steps
        if self.schedule == "cosine":
            return self.lr_final + (self.lr - self.lr_final) * (1 + math.cos(math.pi * part)) / 2
        if self.schedule == "exponential":
            return float(self.lr * (self.lr_final / self.lr) ** part)
        if self.schedule == "step":
            return float(self.lr * self.gamma ** sum(step >= milestone for milestone in self.milestones))
        return self.lr


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides the weights of a run; a resumed run must have the same.

    Args:
        data: Pictures and patches.
        loss: Expression of the loss, see `mdfloss.losses.build_loss`.
        distortion: `class_path` and `init_args` of what is to be undone; empty for pairs of pictures.
        network: Name of the network.
        network_args: Its keyword arguments.
        optimizer: Optimiser and learning rate.
        steps: Optimisation steps in all.
        batch_size: Patches a step, over all devices.
        val_every: Steps between validations, each of which writes a checkpoint.
        select: What makes a network the best: highest validation PSNR, or lowest validation loss (the paper).
        precision: "bfloat16" runs the network's convolutions in it; weights stay float32.
        seed: Decides weights, patches and distortions.
        start: Network file, or folder of a run, to start from; fresh weights by default.
    """

    data: DataConfig
    loss: str = "l1"
    distortion: Mapping[str, Any] = field(default_factory=lambda: {"class_path": "GaussianNoise"})
    network: str = "DnCNN"
    network_args: Mapping[str, Any] = field(default_factory=dict)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    steps: int = 1000
    batch_size: int = 8
    val_every: int = 500
    select: Selection = "psnr"
    precision: Precision = "float32"
    seed: int = 0
    start: str | None = None

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_positive(self, ("steps", "batch_size", "val_every"))
        if self.seed < 0:
            raise ValueError(f"seed must not be negative, got {self.seed}")

    def to_dict(self) -> dict[str, Any]:
        """The config as JSON can hold it."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Where a run computes; none of this decides what it computes.

    Args:
        accelerator: "auto", "cpu", "gpu", …, as Lightning names them.
        devices: Devices on each node.
        num_nodes: Machines.
        num_workers: Processes that prepare patches, on each device; by default none on a CPU, 4 elsewhere.
    """

    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    num_workers: int | None = None

    def __post_init__(self) -> None:
        _check_positive(self, ("devices", "num_nodes"))

    @property
    def device(self) -> torch.device:
        """Where work for one device is done.

        Raises:
            ValueError: This machine has no such accelerator.
        """
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        if self.accelerator == "cpu" or (self.accelerator == "auto" and found is None):
            return torch.device("cpu")
        if found is None or self.accelerator not in ("auto", "gpu", found.type):
            raise ValueError(f"accelerator {self.accelerator!r}: PyTorch finds none here; use cpu")
        return found


def make_optimizer(parameters: Iterable[nn.Parameter], config: OptimizerConfig) -> torch.optim.Optimizer:
    """The optimiser of a config.

    Args:
        parameters: What it shall change.
        config: Name, learning rate and weight decay.
    """
    if config.name == "sgd":
        return torch.optim.SGD(parameters, lr=config.lr, momentum=0.9, nesterov=True, weight_decay=config.weight_decay)
    return torch.optim.Adam(parameters, lr=config.lr, weight_decay=config.weight_decay)


def _check_positive(config: Any, names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(config, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {getattr(config, name)}")


def _check_choices(config: Any) -> None:
    """Every field whose type is a Literal must have one of its values."""
    for name, hint in get_type_hints(type(config)).items():
        options = get_args(hint)
        if options and all(isinstance(option, str) for option in options):
            value = getattr(config, name)
            if value not in options:
                raise ValueError(f"{name} must be one of {', '.join(options)}, got {value!r}")
