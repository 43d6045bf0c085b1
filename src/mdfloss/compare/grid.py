"""What a comparison is asked to do: tasks × networks × losses × lengths × learning rates × weights × seeds."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict, get_args

from mdfloss.distortions.protocol import load_distortion
from mdfloss.evaluation.metrics import ColorSpace, MetricProtocol, find_metrics
from mdfloss.training import DataConfig, OptimizerConfig, TrainConfig
from mdfloss.training.config import OptimizerName

from .plain_values import Several

__all__ = ["BANK", "WEIGHT", "Budget", "Grid", "GridLoss", "GridNetwork", "GridTask", "GridTest", "Training"]

WEIGHT, BANK = "{weight}", "{bank}"

Budget = Literal["steps", "time"]
Accelerator = Literal["auto", "cpu", "gpu", "cuda", "mps"]


class _Named(TypedDict):
    class_path: str


class Described(_Named, total=False):
    """A distortion as `load_distortion` takes it."""

    init_args: dict[str, Any] | None


@dataclass(frozen=True)
class GridTest:
    """What the networks of a task are tested on.

    Args:
        distortion: `class_path` and `init_args`; that of the trainings by default.
        images: Folder of clean pictures; the grid's `test_dir` by default.
    """

    distortion: Described | None = None
    images: str = ""

    def __post_init__(self) -> None:
        if self.distortion:
            _check_distortion(self.distortion)


@dataclass(frozen=True)
class GridTask:
    """One task.

    Args:
        distortion: `class_path` and `init_args` of what trainings undo.
        tests: Name → test. One training serves all of them: blind denoising at three strengths, say. By default one,
            with the trainings' distortion on the grid's test pictures.
        bank: The bank that `{bank}` stands for in losses.
        color_space: What scores are measured in, "rgb" or "y".
        crop_border: Pixels that scores leave out at each side.
    """

    distortion: Described
    tests: dict[str, GridTest] = field(default_factory=lambda: {"test": GridTest()})
    bank: str = ""
    color_space: ColorSpace = "rgb"
    crop_border: int = 0

    def __post_init__(self) -> None:
        _check_distortion(self.distortion)
        MetricProtocol(color_space=self.color_space, crop_border=self.crop_border)

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
        object.__setattr__(self, "weights", _above_0(self.weights, "weights"))
        if (WEIGHT in self.expression) != bool(self.weights):
            raise ValueError(f"loss {self.expression!r}: give weights if and only if it contains {WEIGHT}")
        if self.trials < 0:
            raise ValueError(f"trials must be at least 0, got {self.trials}")
        if self.trials and len(set(self.weights)) < 2:
            raise ValueError(f"loss {self.expression!r}: trials need two weights to search between, got {self.weights}")


@dataclass(frozen=True)
class GridNetwork:
    """One network.

    Args:
        name: As `mdfloss train --network` takes it.
        arguments: Its options.
        start: Network file, or folder of a run, that every training starts from; fresh weights by default.
    """

    name: str = "DnCNN"
    arguments: dict[str, Any] = field(default_factory=dict)
    start: str | None = None


@dataclass(frozen=True)
class Training:
    """How every run of the grid is trained.

    Args:
        train_dir: Folder of clean training pictures.
        val_dir: Folder of clean validation pictures, which choose learning rates and weights.
        lrs: Learning rates that every loss tries; the best on validation is compared.
        steps: Optimisation steps: one length, or several, each a training of its own.
        budgets: What is equal for all losses, each a comparison of its own: "steps", or "time": as many steps as fit
            into the time that the first loss needs for its `steps`. Runs that both need are done once.
        batch_size: Patches in a step.
        patch_size: Side of a clean patch, px.
        val_every: Steps between validations.
        val_images: Validation pictures.
        val_size: Largest side of a validation crop, px.
        optimizer: "adam" or "sgd".
        warmup_steps: As in `OptimizerConfig`.
        accelerator: "auto", "cpu", "gpu", "cuda" or "mps".
    """

    train_dir: str
    val_dir: str
    lrs: tuple[float, ...] = (1e-3,)
    steps: Several[int] = (1000,)
    budgets: Several[Budget] = ("steps",)
    batch_size: int = 8
    patch_size: int = 48
    val_every: int = 100
    val_images: int = 16
    val_size: int = 192
    optimizer: OptimizerName = "adam"
    warmup_steps: int = OptimizerConfig.warmup_steps
    accelerator: Accelerator = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "lrs", _above_0(self.lrs, "lrs"))
        if not self.lrs:
            raise ValueError("lrs must name at least one learning rate")
        steps, budgets = _several(self.steps), _several(self.budgets)
        if not steps or any(not isinstance(count, int) or count < 1 for count in steps):
            raise ValueError(f"steps must be a whole number above 0, or several, got {self.steps!r}")
        if not budgets or set(budgets) - set(get_args(Budget)):
            raise ValueError(f"budgets must be among {', '.join(get_args(Budget))}, got {self.budgets!r}")
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "budgets", budgets)
        for lr in self.lrs:
            self.config(lr=lr, steps=steps[0])

    def config(self, *, lr: float, steps: int, **others: Any) -> TrainConfig:
        """One training; it refuses values that are out of range.

        Args:
            lr: Learning rate.
            steps: Optimisation steps.
            **others: Further fields of the training.
        """
        return TrainConfig(
            data=DataConfig(
                train_dir=self.train_dir,
                val_dir=self.val_dir,
                patch_size=self.patch_size,
                val_images=self.val_images,
                val_size=self.val_size,
            ),
            optimizer=OptimizerConfig(name=self.optimizer, lr=lr, warmup_steps=self.warmup_steps),
            steps=steps,
            batch_size=self.batch_size,
            val_every=min(self.val_every, steps),
            **others,
        )


@dataclass(frozen=True)
class Grid:
    """A comparison.

    Args:
        tasks: Name → task.
        losses: Name → loss, in the order of the tables; the first gives the time of equal-time comparisons.
        training: How every run is trained.
        test_dir: Folder of clean test pictures.
        networks: Name → network.
        seeds: One training for each.
        tuning_seeds: So many of the seeds, the first ones, choose learning rates and λ, and the others are trained with
            the choice alone; all by default.
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
    tuning_seeds: int | None = None
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
        if min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be at least 0, and each a different one, got {list(self.seeds)}")
        if self.max_test_images is not None and self.max_test_images < 1:
            raise ValueError(f"max_test_images must be at least 1, got {self.max_test_images}")
        if self.tuning_seeds is not None and not 1 <= self.tuning_seeds <= len(self.seeds):
            raise ValueError(f"tuning_seeds must be within 1..{len(self.seeds)}, got {self.tuning_seeds}")
        if not self.candidate:
            object.__setattr__(self, "candidate", list(self.losses)[-1])
        if self.candidate not in self.losses:
            raise ValueError(f"candidate must be one of {', '.join(self.losses)}, got {self.candidate!r}")
        for name, task in self.tasks.items():
            _check_names({f"tests of task {name!r}": task.tests})
            if not task.bank and any(BANK in loss.expression for loss in self.losses.values()):
                raise ValueError(f"task {name!r} has no bank, but a loss contains {BANK}: fit one and name it")

    @property
    def choosing_seeds(self) -> tuple[int, ...]:
        """The seeds whose trainings choose learning rates and λ."""
        return self.seeds[: self.tuning_seeds]

    def to_dict(self) -> dict[str, Any]:
        """The grid as JSON or YAML can hold it."""
        return dataclasses.asdict(self)


def _check_distortion(described: Described) -> None:
    try:
        load_distortion(**described)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"distortion {described['class_path']} cannot be made: {error}") from error


def _above_0(numbers: Iterable[float], name: str) -> tuple[float, ...]:
    numbers = tuple(numbers)
    if not all(0 < number < float("inf") for number in numbers):
        raise ValueError(f"{name} must be finite numbers above 0, got {list(numbers)}")
    return numbers


def _several(values: Any) -> tuple[Any, ...]:
    """One value or several, each once."""
    return tuple(dict.fromkeys(values if isinstance(values, (list, tuple)) else (values,)))


def _check_names(kinds: Mapping[str, Mapping[str, Any]]) -> None:
    for kind, names in kinds.items():
        if not names:
            raise ValueError(f"{kind} must name at least one")
        for name in names:
            if not re.fullmatch(r"[\w+,.@ ()-]*\w[\w+,.@ ()-]*", name) or name in (".", ".."):
                raise ValueError(f"{kind}: {name!r} names a folder too: use letters, digits and +-_.,@() only")
