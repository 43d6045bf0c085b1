"""The tables of a comparison, as Parquet and CSV: every score, what they come to, and every test."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mdfloss.evaluation.statistics import unpaired_test
from mdfloss.evaluation.summary import summarize
from mdfloss.evaluation.verdict import compare_methods
from mdfloss.files import atomic_write

from .grid import Grid
from .results import Part, RunResult

__all__ = ["check_tables", "save_tables"]


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
        {**result.run._asdict(), "test": test, "image": row.image, **row.values, "protocol": table.protocol}
        for result in results
        for test, table in result.scores.items()
        for row in table.rows
    ]
    for name, rows in (("scores", scores), ("summary", _summary(parts)), ("tests", _tests(grid, parts))):
        _save(rows, output / name)


def _summary(parts: Iterable[Part]) -> list[dict[str, Any]]:
    return [
        {
            **part.setting._asdict(),
            "test": part.test,
            "loss": loss,
            "steps": part.steps[loss],
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
                        **part.setting._asdict(),
                        "test": part.test,
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


def check_tables() -> None:
    """Say at once what a comparison would be told at its end.

    Raises:
        ModuleNotFoundError: pandas is not installed.
    """
    if importlib.util.find_spec("pandas") is None:
        raise ModuleNotFoundError('tables need pandas: pip install "mdfloss[report]"')


def _save(rows: list[dict[str, Any]], path: Path) -> None:
    check_tables()
    import pandas as pd

    frame = pd.DataFrame(rows)
    with atomic_write(path.with_suffix(".csv")) as partial:
        frame.to_csv(partial, index=False)
    with atomic_write(path.with_suffix(".parquet")) as partial:
        frame.to_parquet(partial, index=False)
