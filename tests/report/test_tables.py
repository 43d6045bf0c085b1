"""The page's tables: numbers as printed, ranks, and what is marked as better or worse."""

import numpy as np
import pytest

from mdfloss.evaluation import Score, ScoreTable
from mdfloss.evaluation.verdict import compare_methods
from mdfloss.report.tables import finding_rows, glance_rows, number, score_rows


def make_table(**offsets: float) -> ScoreTable:
    rng = np.random.default_rng(0)
    rows = [
        Score(
            str(i), m, {"psnr": 30 + i + offset + rng.normal(0, 0.1), "mdsi": 0.5 - 0.1 * offset + rng.normal(0, 0.01)}
        )
        for m, offset in offsets.items()
        for i in range(12)
    ]
    return ScoreTable(("psnr", "mdsi"), tuple(rows))


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (29.416, "psnr", "29.42 dB"),
        (-0.5, "psnr", "−0.50 dB"),
        (0.91234, "ssim", "0.9123"),
        (float("inf"), "psnr", "∞ dB"),
    ],
)
def test_numbers_carry_unit_and_decimals_of_their_metric(value: float, metric: str, text: str) -> None:
    assert number(value, metric) == text


def test_what_was_to_be_restored_takes_no_rank() -> None:
    rows = score_rows(make_table(l1=0.0, mdf=1.0), make_table(Distorted=5.0))
    assert [(row["method"], row["plain"], row["cells"][0]["rank"]) for row in rows] == [
        ("l1", False, 2),
        ("mdf", False, 1),
        ("Distorted", True, None),
    ]
    assert rows[0]["cells"][1]["tail"].startswith("95th pct."), "a distance is bad where it is large"


def test_findings_are_those_of_the_tests() -> None:
    table = make_table(mdf=0.0, l1=-1.0, l2=1.0, l3=0.0)
    rows = finding_rows(table, "mdf")
    assert [row["rival"] for row in rows] == ["l1", "l2", "l3"]
    assert [[cell["kind"] for cell in row["cells"]] for row in rows] == [["better"] * 2, ["worse"] * 2, ["even"] * 2]
    first = compare_methods(table, candidate="mdf", metric="psnr")[0]
    assert rows[0]["cells"][0]["advantage"] == f"{first.result.difference.value:+.2f} dB"
    assert rows[0]["cells"][0]["p"] == "p < 0.001"


def test_a_metric_without_findings_leaves_its_own_cells_empty() -> None:
    table = make_table(mdf=0.0, l1=-1.0)
    endless = tuple(row._replace(values={**row.values, "psnr": float("inf")}) for row in table.rows)
    (row,) = finding_rows(ScoreTable(table.metrics, endless), "mdf")
    empty, cell = row["cells"]
    assert empty is None
    assert cell == finding_rows(table, "mdf")[0]["cells"][1]
    only = tuple(row._replace(values={"psnr": float("inf")}) for row in table.rows)
    assert finding_rows(ScoreTable(("psnr",), only), "mdf") == []


def test_a_glance_holds_a_row_for_each_method_and_a_cell_for_each_comparison() -> None:
    won, lost = make_table(mdf=1.0, l1=0.0), make_table(mdf=0.0, l1=1.0)
    rows = glance_rows([won, lost], candidate="mdf", metric="psnr")
    found = {row["method"]: [(cell["rank"], cell["kind"]) for cell in row["cells"]] for row in rows}
    assert found == {"mdf": [(1, ""), (2, "")], "l1": [(2, "better"), (1, "worse")]}
