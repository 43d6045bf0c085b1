"""Files of everything: the same rows as Parquet and CSV."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mdfloss.compare import Grid, Plan
from mdfloss.compare.results import RunResult, compare_parts
from mdfloss.compare.tables import save_tables

Pretend = Callable[[Plan], list[RunResult]]


def test_parquet_and_csv_hold_everything(grid: Grid, tmp_path: Path, pretended: Pretend) -> None:
    plan = Plan(replace(grid, seeds=(0, 1)), {})
    results = pretended(plan)
    parts = compare_parts(plan, results)
    save_tables(plan.grid, results, parts, tmp_path)
    for name, count in (("scores", 4 * len(plan.runs)), ("summary", 2 * 2), ("tests", 2)):
        table = pd.read_parquet(tmp_path / f"{name}.parquet")
        assert len(table) == count
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / f"{name}.csv"), table, check_dtype=False)
    tests = pd.read_parquet(tmp_path / "tests.parquet")
    assert {"test", "budget", "p_better_paired", "p_better_paired_holm", "p_better_unpaired"} <= set(tests)
