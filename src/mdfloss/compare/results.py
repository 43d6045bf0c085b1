"""What the runs of a comparison found: which variant of each loss is compared, its scores, and files of everything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mdfloss.evaluation.curves import read_curves
from mdfloss.evaluation.statistics import unpaired_test
from mdfloss.evaluation.summary import summarize
from mdfloss.evaluation.table import Score, ScoreTable
from mdfloss.evaluation.verdict import compare_methods
from mdfloss.files import atomic_write

from .grid import Grid, Run
from .run import is_done
from .search import searched_runs

__all__ = ["Part", "RunResult", "collect", "compare_parts", "save_tables"]


@dataclass(frozen=True)
class RunResult:
    """A run that is done.

    Args:
        run: Which.
        folder: Where its files are.
        val_psnr: Validation PSNR of its last step, dB.
        seconds: How long it took.
        scores: Scores of the test pictures.
    """

    run: Run
    folder: Path
    val_psnr: float
    seconds: float
    scores: ScoreTable

    def curves(self) -> dict[str, list[float]]:
        """Curves of the training."""
        return read_curves(self.folder / "curves.csv")


@dataclass(frozen=True)
class Part:
    """One task with one network: what a section of the page shows.

    Args:
        task: Name of the task.
        network: Name of the network.
        scores: Score of each picture and loss, the mean over the seeds of the chosen variant.
        chosen: Loss → learning rate and λ with the best validation PSNR, mean over seeds.
        results: Every done run of the part, those of other variants too.
    """

    task: str
    network: str
    scores: ScoreTable
    chosen: Mapping[str, tuple[float, float | None]]
    results: tuple[RunResult, ...]

    def of(self, loss: str) -> list[RunResult]:
        """The runs of a loss's chosen variant, a seed each."""
        return [r for r in self.results if r.run.loss == loss and r.run.variant == self.chosen[loss]]


def collect(grid: Grid, output: Path) -> list[RunResult]:
    """Read every run that is done.

    Args:
        grid: The comparison.
        output: Its folder.

    Returns:
        Results in the order of the grid.
    """
    results = []
    for run in (*grid.runs, *searched_runs(grid, output)):
        folder = output / run.path
        if is_done(folder):
            found = json.loads((folder / "result.json").read_text("utf-8"))
            scores = ScoreTable.load_csv(folder / "scores.csv")
            results.append(RunResult(run, folder, found["val_psnr"], found["seconds"], scores))
    return results


def compare_parts(grid: Grid, results: Iterable[RunResult]) -> list[Part]:
    """Bring the runs of each task and network together.

    Args:
        grid: The comparison.
        results: Its done runs.

    Returns:
        A part for each task and network with at least one done run of every loss.
    """
    results = list(results)
    parts = []
    for task in grid.tasks:
        for network in grid.networks:
            mine = tuple(r for r in results if (r.run.task, r.run.network) == (task, network))
            if {r.run.loss for r in mine} == set(grid.losses):
                chosen = {loss: _best_variant([r for r in mine if r.run.loss == loss]) for loss in grid.losses}
                parts.append(Part(task, network, _mean_scores(grid, mine, chosen), chosen, mine))
    return parts


def _best_variant(results: list[RunResult]) -> tuple[float, float | None]:
    by_variant: dict[tuple[float, float | None], list[float]] = {}
    for result in results:
        by_variant.setdefault(result.run.variant, []).append(result.val_psnr)
    return max(by_variant, key=lambda variant: np.mean(by_variant[variant]))


def _mean_scores(
    grid: Grid, results: Iterable[RunResult], chosen: Mapping[str, tuple[float, float | None]]
) -> ScoreTable:
    rows, protocol = [], ""
    for loss, variant in chosen.items():
        tables = [r.scores for r in results if r.run.loss == loss and r.run.variant == variant]
        protocol = tables[0].protocol
        columns = {metric: np.mean([table.column(loss, metric) for table in tables], axis=0) for metric in grid.metrics}
        rows += [
            Score(image, loss, {metric: float(columns[metric][index]) for metric in grid.metrics})
            for index, image in enumerate(tables[0].images)
        ]
    return ScoreTable(grid.metrics, tuple(rows), protocol)


def save_tables(grid: Grid, results: Iterable[RunResult], parts: Iterable[Part], output: Path) -> None:
    """Write everything as Parquet and CSV: `scores` (picture by picture and run by run), `summary`, and `tests`.

    Args:
        grid: The comparison.
        results: Its done runs.
        parts: What `compare_parts` made of them.
        output: Folder of the tables.

    Raises:
        ModuleNotFoundError: pandas is not installed.
    """
    parts = list(parts)
    scores = [
        {**r.run._asdict(), "image": row.image, **row.values, "protocol": r.scores.protocol}
        for r in results
        for row in r.scores.rows
    ]
    for name, rows in (("scores", scores), ("summary", _summary(parts)), ("tests", _tests(grid, parts))):
        _save(rows, output / name)


def _summary(parts: Iterable[Part]) -> list[dict[str, Any]]:
    return [
        {
            "task": part.task,
            "network": part.network,
            "loss": loss,
            "lr": part.chosen[loss][0],
            "weight": part.chosen[loss][1],
            "metric": metric,
            **{f"mean_{name}": number for name, number in found.mean._asdict().items()},
            **{f"tail_{name}": number for name, number in found.tail._asdict().items()},
            "rank": found.rank,
        }
        for part in parts
        for loss, by_metric in summarize(part.scores).items()
        for metric, found in by_metric.items()
    ]


def _tests(grid: Grid, parts: Iterable[Part]) -> list[dict[str, Any]]:
    rows = []
    for part in parts:
        for metric in grid.metrics:
            for finding in compare_methods(part.scores, candidate=grid.candidate, metric=metric):
                unpaired = unpaired_test(finding.ours, finding.theirs)
                rows.append(
                    {
                        "task": part.task,
                        "network": part.network,
                        "metric": metric,
                        "candidate": grid.candidate,
                        "rival": finding.rival,
                        **{f"advantage_{name}": x for name, x in finding.result.difference._asdict().items()},
                        "effect_size": finding.result.effect_size,
                        "p_better_paired": finding.result.p_value,
                        "p_better_paired_holm": finding.p_better,
                        "p_worse_paired_holm": finding.p_worse,
                        "p_better_unpaired": unpaired.p_value,
                    }
                )
    return rows


def _save(rows: list[dict[str, Any]], path: Path) -> None:
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('tables need pandas: pip install "mdfloss[report]"') from error
    frame = pd.DataFrame(rows)
    with atomic_write(path.with_suffix(".csv")) as partial:
        frame.to_csv(partial, index=False)
    with atomic_write(path.with_suffix(".parquet")) as partial:
        frame.to_parquet(partial, index=False)
