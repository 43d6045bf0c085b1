"""The runs of a grid: which trainings it takes, how many steps each has, and how long they will take.

At equal time the number of steps follows from measured speeds. They are measured once and kept in `plan.json`, so that
a comparison that is begun again has the same runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from mdfloss.files import atomic_write
from mdfloss.training import TrainConfig

from .grid import BANK, WEIGHT, Budget, Grid

__all__ = ["Kind", "Plan", "Run", "Setting", "expression", "make_plan", "train_config"]


class Kind(NamedTuple):
    """What decides how long a training step takes.

    Attributes:
        task: Name of the task.
        network: Name of the network.
        loss: Name of the loss.
    """

    task: str
    network: str
    loss: str


class Run(NamedTuple):
    """One training of the grid.

    Attributes:
        task: Name of the task.
        network: Name of the network.
        loss: Name of the loss.
        steps: Optimisation steps.
        lr: Learning rate.
        weight: λ, or None for a loss without.
        seed: Decides first weights, patches and distortions: equal for all losses.
    """

    task: str
    network: str
    loss: str
    steps: int
    lr: float
    weight: float | None
    seed: int

    @property
    def kind(self) -> Kind:
        """Its task, network and loss."""
        return Kind(self.task, self.network, self.loss)

    @property
    def variant(self) -> tuple[float, float | None]:
        """What is chosen on validation: learning rate and λ."""
        return self.lr, self.weight

    @property
    def path(self) -> Path:
        """The run's folder below the comparison's."""
        weight = "" if self.weight is None else f"-weight{self.weight:g}"
        variant = f"steps{self.steps}-lr{self.lr:g}{weight}"
        return Path("runs", self.task, self.network, self.loss, variant, f"seed{self.seed}")


class Setting(NamedTuple):
    """Trainings whose losses are compared with each other.

    Attributes:
        task: Name of the task.
        network: Name of the network.
        length: Steps of the first loss, and of every other at equal steps.
        budget: What is equal, "steps" or "time".
    """

    task: str
    network: str
    length: int
    budget: Budget


@dataclass(frozen=True)
class Plan:
    """The runs that a grid takes.

    Args:
        grid: What is asked for.
        speeds: Seconds that a training step of each kind takes; equal-time comparisons need them.
    """

    grid: Grid
    speeds: Mapping[Kind, float]

    @property
    def settings(self) -> Iterator[Setting]:
        """Every comparison of losses."""
        for task in self.grid.tasks:
            for network in self.grid.networks:
                for length in self.grid.training.steps:
                    for budget in self.grid.training.budgets:
                        yield Setting(task, network, length, budget)

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every training that needs no choice made before it, once."""
        return tuple(run for run in self.combinations if run.seed in self.grid.choosing_seeds or not self.chooses(run))

    @property
    def combinations(self) -> tuple[Run, ...]:
        """Every loss, variant and seed, once: more than `runs` where some seeds wait for what others choose."""
        found = [
            Run(setting.task, setting.network, name, self.steps(setting, name), lr, weight, seed)
            for setting in self.settings
            for seed in self.grid.seeds
            for name, loss in self.grid.losses.items()
            for lr in self.grid.training.lrs
            for weight in loss.weights or (None,)
        ]
        return tuple(dict.fromkeys(found))

    @property
    def later(self) -> tuple[Run, ...]:
        """The runs that wait for a choice, with the first variant of each loss in the place of the chosen one."""
        waiting = [run for run in self.combinations if run.seed not in self.grid.choosing_seeds and self.chooses(run)]
        firsts: dict[Run, Run] = {}
        for run in waiting:
            firsts.setdefault(run._replace(lr=0, weight=None), run)
        return tuple(firsts.values())

    def chooses(self, run: Run) -> bool:
        """Whether a run's loss has several learning rates or λ to choose from.

        Args:
            run: A run of the plan.
        """
        loss = self.grid.losses[run.loss]
        return len(self.grid.training.lrs) * len(loss.weights or (None,)) > 1

    def steps(self, setting: Setting, loss: str) -> int:
        """The optimisation steps of a loss in a comparison.

        Args:
            setting: The comparison.
            loss: Name of the loss.
        """
        if setting.budget == "steps":
            return setting.length
        first = Kind(setting.task, setting.network, next(iter(self.grid.losses)))
        return max(1, round(setting.length * self.speeds[first] / self.speeds[first._replace(loss=loss)]))

    def seconds(self, run: Run) -> float:
        """How long the training of a run takes where the speeds were measured; scoring is not counted.

        Args:
            run: A run of the plan.
        """
        return run.steps * self.speeds[run.kind]


def make_plan(
    grid: Grid, output: Path, *, measure: Callable[[Grid, Sequence[Kind]], Mapping[Kind, float]], save: bool = True
) -> Plan:
    """Plan a grid, with the speeds that `plan.json` has and measured ones for the rest.

    Args:
        grid: The comparison.
        output: Its folder.
        measure: Gives the seconds a step of some kinds, on the machine that will train.
        save: Write the measured speeds to `plan.json`.

    Returns:
        The plan.

    Raises:
        ValueError: `plan.json` is not readable.
    """
    file = output / "plan.json"
    kinds = [Kind(task, network, loss) for task in grid.tasks for network in grid.networks for loss in grid.losses]
    described = {kind: {**kind._asdict(), **_described(grid, kind)} for kind in kinds}
    rows = _read(file)
    known = {
        kind: float(row["seconds_a_step"])
        for kind, wanted in described.items()
        for row in rows
        if wanted.items() <= row.items()
    }
    missing = [kind for kind in described if kind not in known]
    if missing:
        measured = measure(grid, missing)
        rows = [row for row in rows if Kind(row["task"], row["network"], row["loss"]) not in measured]
        rows += [{**described[kind], "seconds_a_step": seconds} for kind, seconds in measured.items()]
        known |= measured
        if save:
            with atomic_write(file) as partial:
                partial.write_text(json.dumps(rows, indent=2), "utf-8")
    return Plan(grid, known)


def _described(grid: Grid, kind: Kind) -> dict[str, Any]:
    """What a speed was measured with; another would not do."""
    network, training = grid.networks[kind.network], grid.training
    values = {
        "expression": grid.losses[kind.loss].expression.replace(BANK, grid.tasks[kind.task].bank),
        "network_name": network.name,
        "arguments": network.arguments,
        "batch_size": training.batch_size,
        "patch_size": training.patch_size,
        "accelerator": training.accelerator,
    }
    plain: dict[str, Any] = json.loads(json.dumps(values))
    return plain


def _read(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    try:
        rows: list[dict[str, Any]] = json.loads(file.read_text("utf-8"))
        for row in rows:
            Kind(row["task"], row["network"], row["loss"]), float(row["seconds_a_step"])
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{file} is damaged ({error}): remove it, and the speeds are measured anew") from error
    return rows


def expression(grid: Grid, run: Run) -> str:
    """The loss of a run, as `mdfloss train --loss` takes it.

    Args:
        grid: The comparison.
        run: Which of its runs.
    """
    text = grid.losses[run.loss].expression.replace(BANK, grid.tasks[run.task].bank)
    return text if run.weight is None else text.replace(WEIGHT, f"{run.weight:g}")


def train_config(grid: Grid, run: Run) -> TrainConfig:
    """The training of a run; losses differ in `loss`, where they are chosen `lr` and `steps`, and in nothing else.

    Args:
        grid: The comparison.
        run: Which of its runs.
    """
    network = grid.networks[run.network]
    return grid.training.config(
        lr=run.lr,
        steps=run.steps,
        loss=expression(grid, run),
        distortion=grid.tasks[run.task].distortion,
        network=network.name,
        network_args=network.arguments,
        seed=run.seed,
        start=network.start,
    )
