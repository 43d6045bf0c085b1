"""Doing the runs of a grid: in this process, or on a Ray cluster, which owns placing, retrying and waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mdfloss.losses import build_loss
from mdfloss.networks import build_network
from mdfloss.timing import seconds_a_step

from .grid import Grid, Run
from .run import is_done, run_one

__all__ = ["expected_seconds", "run_in_process", "run_on_ray", "todo"]

RETRIES = 3
"""How often Ray begins a run anew whose worker died; it goes on from its last checkpoint."""


def todo(grid: Grid, output: Path) -> tuple[Run, ...]:
    """The runs that are not done.

    Args:
        grid: The comparison.
        output: Its folder.

    Returns:
        Runs in the order of the grid.
    """
    return tuple(run for run in grid.runs if not is_done(output / run.path))


def expected_seconds(grid: Grid, runs: Iterable[Run]) -> dict[Run, float]:
    """How long runs will take on this machine, from a few training steps of each kind; scoring is not counted.

    Args:
        grid: The comparison.
        runs: Some of its runs.

    Returns:
        Run → seconds.
    """
    training, seen, expected = grid.training, {}, {}
    for run in runs:
        kind = (run.task, run.network, run.loss)
        if kind not in seen:
            network = grid.networks[run.network]
            seen[kind] = training.steps * seconds_a_step(
                build_network(network.name, **network.arguments),
                build_loss(grid.expression(run)),
                batch_size=training.batch_size,
                patch_size=training.patch_size,
            )
        expected[run] = seen[kind]
    return expected


def run_in_process(grid: Grid, runs: Iterable[Run], output: Path, *, on_done: Callable[[Run], None]) -> None:
    """Do runs one after another.

    Args:
        grid: The comparison.
        runs: Which of its runs.
        output: Its folder.
        on_done: Called after each run.
    """
    for run in runs:
        run_one(grid, run, output)
        on_done(run)


def run_on_ray(
    grid: Grid,
    runs: Iterable[Run],
    output: Path,
    *,
    address: str,
    on_done: Callable[[Run], None],
    gpus_a_run: float | None = None,
    cpus_a_run: float = 1,
) -> None:
    """Do runs on a Ray cluster, as many at a time as it has room for.

    Args:
        grid: The comparison; its paths must mean the same on every machine of the cluster.
        runs: Which of its runs.
        output: Its folder, on storage that all machines share.
        address: Of the cluster, as `ray.init` takes it: "auto", "host:port" or "local".
        on_done: Called after each run.
        gpus_a_run: GPUs of each run; one where the cluster has any, by default.
        cpus_a_run: CPU cores of each run.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        ray.exceptions.RayError: A run failed in itself, or its worker died more than three times.
    """
    try:
        import ray as ray_module
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('a cluster needs Ray: pip install "mdfloss[ray]"') from error
    ray: Any = ray_module
    ray.init(address=address, ignore_reinit_error=True, log_to_driver=False)
    try:
        if gpus_a_run is None:
            gpus_a_run = 1.0 if ray.cluster_resources().get("GPU") else 0.0
        remote = ray.remote(num_cpus=cpus_a_run, num_gpus=gpus_a_run, max_retries=RETRIES)(run_one)
        waiting = {remote.remote(grid, run, output.absolute()): run for run in runs}
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            ray.get(done)
            on_done(waiting.pop(done))
    finally:
        ray.shutdown()
