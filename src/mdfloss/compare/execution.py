"""Doing the runs of a grid: in this process, or on a Ray cluster, which owns placing, retrying and waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from mdfloss.losses import build_loss
from mdfloss.networks import build_network
from mdfloss.timing import seconds_a_step
from mdfloss.training import Hardware, train_abreast

from .grid import BANK, WEIGHT, Grid
from .plan import Kind, Run, train_config
from .run import is_done, run_one

__all__ = ["Workers", "do_runs", "in_process", "measure_speeds", "on_ray", "todo", "train_together"]

RETRIES = 3
"""How often Ray begins a run anew whose worker died; it goes on from its last checkpoint."""

PROBES = 6
"""Timed steps of each kind of training."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers(Protocol):
    """Where work is done: applies a function to items, and gives each item with its result when it is done."""

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        """Apply `function` to `items`."""
        ...


def in_process(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
    """Workers that are this process: one item after another.

    Args:
        function: What to do.
        items: With what.

    Yields:
        Item and result.
    """
    for item in items:
        yield item, function(item)


@contextmanager
def on_ray(address: str, *, gpus_a_run: float | None = None, cpus_a_run: float = 1) -> Iterator[Workers]:
    """Workers of a Ray cluster, as many at a time as it has room for.

    Args:
        address: Of the cluster, as `ray.init` takes it: "auto", "host:port" or "local".
        gpus_a_run: GPUs of each run; one where the cluster has any, by default.
        cpus_a_run: CPU cores of each run.

    Yields:
        The workers. Work that fails in itself, or whose worker dies more than three times, raises Ray's error.

    Raises:
        ModuleNotFoundError: Ray is not installed.
    """
    try:
        import ray as ray_module
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('a cluster needs Ray: pip install "mdfloss[ray]"') from error
    ray: Any = ray_module
    ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)

    def workers(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[tuple[Item, Result]]:
        gpus = gpus_a_run if gpus_a_run is not None else float("GPU" in ray.cluster_resources())
        remote = ray.remote(num_cpus=cpus_a_run, num_gpus=gpus, max_retries=RETRIES)(_apply)
        waiting = {remote.remote(function, item): item for item in items}
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done), ray.get(done)

    try:
        yield workers
    finally:
        ray.shutdown()


def _apply(function: Callable[[Item], Result], item: Item) -> Result:
    """What a Ray worker does; its process carries this name."""
    return function(item)


def todo(grid: Grid, runs: Iterable[Run], output: Path) -> tuple[Run, ...]:
    """The runs that are not done.

    Args:
        grid: The comparison.
        runs: Some of its runs.
        output: Its folder.

    Returns:
        Those that are left, in their order.
    """
    return tuple(run for run in runs if not is_done(grid, run, output))


def do_runs(
    grid: Grid,
    runs: Iterable[Run],
    output: Path,
    *,
    workers: Workers = in_process,
    spent: Mapping[Run, float] | None = None,
    on_done: Callable[[Run], None],
) -> None:
    """Do runs.

    Args:
        grid: The comparison; on a cluster its paths must mean the same on every machine.
        runs: Which of its runs.
        output: Its folder, on storage that all machines share.
        workers: Where.
        spent: Seconds that runs were trained already, as `train_together` says.
        on_done: Called after each run.
    """
    for run, _ in workers(partial(_run_one, grid, output.absolute(), spent or {}), runs):
        on_done(run)


def train_together(grid: Grid, runs: Sequence[Run], output: Path, *, count: int) -> dict[Run, float]:
    """Train runs abreast on one device; `do_runs` then finds them trained, and scores them.

    Args:
        grid: The comparison.
        runs: Which of its runs.
        output: Its folder.
        count: How many at a time.

    Returns:
        Run → its share of the seconds.
    """
    hardware = Hardware(accelerator=grid.training.accelerator)
    spent: dict[Run, float] = {}
    for first in range(0, len(runs), count):
        some, started = runs[first : first + count], time.monotonic()
        trainings = {output / run.path: train_config(grid, run) for run in some}
        train_abreast(trainings, hardware=hardware, resume=True, progress=True)
        spent |= dict.fromkeys(some, (time.monotonic() - started) / len(some))
    return spent


def _run_one(grid: Grid, output: Path, spent: Mapping[Run, float], run: Run) -> None:
    run_one(grid, run, output, spent=spent.get(run, 0.0))


def measure_speeds(grid: Grid, kinds: Sequence[Kind], *, workers: Workers = in_process) -> Mapping[Kind, float]:
    """Time a few training steps of each kind, all on one machine.

    Args:
        grid: The comparison.
        kinds: Which trainings.
        workers: Where: on a cluster, one of the workers measures.

    Returns:
        Kind → seconds a step.
    """
    ((_, speeds),) = workers(partial(_speeds, grid), [tuple(kinds)])
    return speeds


def _speeds(grid: Grid, kinds: Sequence[Kind]) -> dict[Kind, float]:
    training, found = grid.training, {}
    device = Hardware(accelerator=training.accelerator).device
    for kind in kinds:
        network, loss = grid.networks[kind.network], grid.losses[kind.loss]
        expression = loss.expression.replace(BANK, grid.tasks[kind.task].bank).replace(WEIGHT, "1")
        found[kind] = seconds_a_step(
            build_network(network.name, **network.arguments),
            build_loss(expression),
            batch_size=training.batch_size,
            patch_size=training.patch_size,
            device=device,
            probes=PROBES,
        )
    return found
