"""What a comparison is asked to do: tasks × networks × losses × learning rates × weights × seeds, and its runs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mdfloss.distortions.protocol import load_distortion
from mdfloss.evaluation.metrics import ColorSpace, MetricProtocol, find_metrics
from mdfloss.training import DataConfig, OptimizerConfig, TrainConfig

__all__ = ["Grid", "GridLoss", "GridNetwork", "GridTask", "Run", "Training"]

WEIGHT, BANK = "{weight}", "{bank}"


@dataclass(frozen=True)
class GridTask:
    """One task.

    Args:
        distortion: `class_path` and `init_args` of what trainings undo.
        test_distortion: The same for the test pictures; the trainings' by default.
        bank: The bank that `{bank}` stands for in losses.
        color_space: What scores are measured in, "rgb" or "y".
        crop_border: Pixels that scores leave out at each side.
    """

    distortion: dict[str, Any]
    test_distortion: dict[str, Any] | None = None
    bank: str = ""
    color_space: ColorSpace = "rgb"
    crop_border: int = 0

    @property
    def protocol(self) -> MetricProtocol:
        """What scores are measured under."""
        return MetricProtocol(color_space=self.color_space, crop_border=self.crop_border)


@dataclass(frozen=True)
class GridLoss:
    """One loss.

    Args:
        expression: As `mdfloss train --loss` takes it; `{bank}` stands for the task's bank, `{weight}` for λ.
        weights: Values of λ to try, 10^-3 to 10^3 in the paper; the best on validation is compared.
        trials: Further values between the smallest and the largest, which Optuna chooses one after another.
    """

    expression: str
    weights: tuple[float, ...] = ()
    trials: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", _floats(self.weights, "weights"))
        if (WEIGHT in self.expression) != bool(self.weights):
            raise ValueError(f"loss {self.expression!r}: give weights if and only if it contains {WEIGHT}")
        if self.trials and len(set(self.weights)) < 2:
            raise ValueError(f"loss {self.expression!r}: trials need two weights to search between, got {self.weights}")


@dataclass(frozen=True)
class GridNetwork:
    """One network.

    Args:
        name: As `mdfloss train --network` takes it.
        arguments: Its options.
    """

    name: str = "DnCNN"
    arguments: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """How every run of the grid is trained.

    Args:
        train_dir: Folder of clean training pictures.
        val_dir: Folder of clean validation pictures, which choose learning rates and weights.
        lrs: Learning rates that every loss tries; the best on validation is compared.
        steps: Optimisation steps.
        batch_size: Patches in a step.
        patch_size: Side of a clean patch, px.
        val_every: Steps between validations.
        val_images: Validation pictures.
        val_size: Largest side of a validation crop, px.
        optimizer: "adam" or "sgd".
        accelerator: "auto", "cpu" or "gpu".
    """

    train_dir: str
    val_dir: str
    lrs: tuple[float, ...] = (1e-3,)
    steps: int = 1000
    batch_size: int = 8
    patch_size: int = 48
    val_every: int = 100
    val_images: int = 16
    val_size: int = 192
    optimizer: str = "adam"
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "lrs", _floats(self.lrs, "lrs"))
        if not self.lrs:
            raise ValueError("lrs must name at least one learning rate")


class Run(NamedTuple):
    """One training of the grid.

    Attributes:
        task: Name of the task.
        network: Name of the network.
        loss: Name of the loss.
        lr: Learning rate.
        weight: λ, or None for a loss without.
        seed: Decides first weights, patches and distortions: equal for all losses.
    """

    task: str
    network: str
    loss: str
    lr: float
    weight: float | None
    seed: int

    @property
    def variant(self) -> tuple[float, float | None]:
        """What is chosen on validation: learning rate and λ."""
        return self.lr, self.weight

    @property
    def path(self) -> Path:
        """The run's folder below the comparison's."""
        weight = "" if self.weight is None else f"-weight{self.weight:g}"
        return Path("runs", self.task, self.network, self.loss, f"lr{self.lr:g}{weight}", f"seed{self.seed}")


@dataclass(frozen=True)
class Grid:
    """A comparison.

    Args:
        tasks: Name → task.
        losses: Name → loss, in the order of the tables.
        training: How every run is trained.
        test_dir: Folder of clean test pictures.
        networks: Name → network.
        seeds: One training for each.
        candidate: The loss in question; the last by default.
        metrics: Measures of the test pictures; the first decides the verdict.
        max_test_images: Use at most this many test pictures, spread evenly.
    """

    tasks: dict[str, GridTask]
    losses: dict[str, GridLoss]
    training: Training
    test_dir: str
    networks: dict[str, GridNetwork] = field(default_factory=lambda: {"DnCNN": GridNetwork()})
    seeds: tuple[int, ...] = (0,)
    candidate: str = ""
    metrics: tuple[str, ...] = ("psnr", "ssim")
    max_test_images: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", tuple(self.seeds))
        object.__setattr__(self, "metrics", tuple(self.metrics))
        find_metrics(self.metrics)
        _check_names({"tasks": self.tasks, "losses": self.losses, "networks": self.networks})
        if not self.seeds:
            raise ValueError("seeds must name at least one seed")
        if not self.candidate:
            object.__setattr__(self, "candidate", list(self.losses)[-1])
        if self.candidate not in self.losses:
            raise ValueError(f"candidate must be one of {', '.join(self.losses)}, got {self.candidate!r}")
        for name, task in self.tasks.items():
            load_distortion(**task.distortion)
            load_distortion(**(task.test_distortion or task.distortion))
            if not task.bank and any(BANK in loss.expression for loss in self.losses.values()):
                raise ValueError(f"task {name!r} has no bank, but a loss contains {BANK}: fit one and name it")

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every training of the grid."""
        return tuple(
            Run(task, network, name, lr, weight, seed)
            for task in self.tasks
            for network in self.networks
            for seed in self.seeds
            for name, loss in self.losses.items()
            for lr in self.training.lrs
            for weight in loss.weights or (None,)
        )

    def expression(self, run: Run) -> str:
        """The loss of a run, as `mdfloss train --loss` takes it."""
        text = self.losses[run.loss].expression.replace(BANK, self.tasks[run.task].bank)
        return text if run.weight is None else text.replace(WEIGHT, f"{run.weight:g}")

    def train_config(self, run: Run) -> TrainConfig:
        """The training of a run; losses differ in `loss` and, where it is chosen, `lr`, and in nothing else."""
        training, network = self.training, self.networks[run.network]
        optimizer: dict[str, Any] = {"name": training.optimizer, "lr": run.lr}
        return TrainConfig(
            data=DataConfig(
                training.train_dir,
                training.val_dir,
                patch_size=training.patch_size,
                val_images=training.val_images,
                val_size=training.val_size,
            ),
            loss=self.expression(run),
            distortion=self.tasks[run.task].distortion,
            network=network.name,
            network_args=network.arguments,
            optimizer=OptimizerConfig(**optimizer),
            steps=training.steps,
            batch_size=training.batch_size,
            val_every=min(training.val_every, training.steps),
            seed=run.seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """The grid as JSON or YAML can hold it."""
        return dataclasses.asdict(self)


def _floats(values: Any, name: str) -> tuple[float, ...]:
    """Numbers, which YAML reads as text where they are written as 1e-3."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise ValueError(f"{name} must be a list of numbers, got {values!r}")
    return tuple(float(value) for value in values)


def _check_names(kinds: Mapping[str, Mapping[str, Any]]) -> None:
    for kind, names in kinds.items():
        if not names:
            raise ValueError(f"{kind} must name at least one")
        for name in names:
            if not re.fullmatch(r"[\w+,.@ ()-]*\w[\w+,.@ ()-]*", name) or name in (".", ".."):
                raise ValueError(f"{kind}: {name!r} names a folder too: use letters, digits and +-_.,@() only")
