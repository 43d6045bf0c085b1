"""What a table comes to: means, tails, ranks, order."""

import numpy as np
import pytest

from mdfloss.evaluation import Score, ScoreTable
from mdfloss.evaluation.statistics import mean_interval, percentile_interval
from mdfloss.evaluation.summary import summarize, tail_percentile, worst_first


def make_table(**methods: list[float]) -> ScoreTable:
    rows = [
        Score(f"picture{index}", method, {"psnr": value, "mdsi": 1 / value})
        for method, values in methods.items()
        for index, value in enumerate(values)
    ]
    return ScoreTable(("psnr", "mdsi"), tuple(rows))


def test_means_and_tails_are_those_of_the_columns() -> None:
    values = [30.0, 25.0, 28.0, 33.0]
    summary = summarize(make_table(a=values), seed=4)["a"]
    assert summary["psnr"].mean == mean_interval(values)
    assert summary["psnr"].tail == percentile_interval(values, percentile=5, seed=4)
    assert summary["mdsi"].tail.value == pytest.approx(np.percentile([1 / v for v in values], 95))
    assert (tail_percentile("psnr"), tail_percentile("mdsi")) == (5, 95)


def test_ranks_follow_the_direction_and_ties_share_one() -> None:
    summary = summarize(make_table(a=[30.0, 31.0], b=[20.0, 21.0], c=[30.0, 31.0], d=[25.0, 26.0]))
    for metric in ("psnr", "mdsi"):
        assert [summary[method][metric].rank for method in "abcd"] == [1, 3, 1, 2]


def test_worst_first_follows_the_direction() -> None:
    table = make_table(a=[30.0, 25.0, 28.0], b=[1.0, 2.0, 3.0])
    order = ("picture1", "picture2", "picture0")
    assert worst_first(table, method="a", metric="psnr") == order
    assert worst_first(table, method="a", metric="mdsi") == order
