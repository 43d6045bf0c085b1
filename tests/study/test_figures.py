"""Figures: what is drawn, not how it looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mdfloss.evaluation.plots import save_figure
from mdfloss.study.figures import plane_figure, score_figure, significance_figure
from mdfloss.study.intervals import Intervals, compare_scores
from mdfloss.study.scaling import Scaling

NAMES = ("l1", "l2", "$mdf$")


@pytest.fixture
def intervals() -> Intervals:
    scores = np.array([-0.5, -0.4, 0.9])
    covariance = 0.02 * np.eye(3)
    one = np.zeros(3, dtype=np.int64)
    return Intervals(
        Scaling(scores, one, one, 0.0, 1), np.ones((3, 3)), scores - 0.3, scores + 0.3, covariance, 0.95, 30
    )


def test_scores_are_ordered_best_first(intervals: Intervals) -> None:
    axes = score_figure(NAMES, intervals).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [r"\$mdf\$", "l2", "l1"]
    assert "JND" in axes.get_ylabel()


def test_triangle_has_every_pair_once_and_stars(intervals: Intervals) -> None:
    axes = significance_figure(NAMES, intervals, compare_scores(intervals)).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["0.10", "1.30*", "1.40*"]


def test_triangle_says_what_was_not_measured(intervals: Intervals) -> None:
    apart = replace(intervals, scaling=replace(intervals.scaling, component=np.array([0, 0, 1])))
    axes = significance_figure(NAMES, apart, compare_scores(apart)).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["0.10", "–", "–"]


@pytest.mark.parametrize("count", [2, 30])
def test_few_and_many_conditions(count: int) -> None:
    scores, one = np.linspace(-1, 1, count), np.zeros(count, dtype=np.int64)
    names = [f"method {at}" for at in range(count)]
    unknown = np.full(count, np.nan)
    found = Intervals(Scaling(scores, one, one, 0.0, 1), np.ones((count, count)), unknown, unknown, np.eye(count), 0.95)
    assert len(score_figure(names, found).axes[0].get_xticklabels()) == count
    assert len(significance_figure(names, found, compare_scores(found)).axes[0].texts) == count * (count - 1) // 2


def test_plane_has_the_paper_s_reversed_axes(intervals: Intervals) -> None:
    axes = plane_figure(NAMES, intervals, [28, 29, 28.5]).axes[0]
    assert axes.xaxis_inverted()
    assert axes.yaxis_inverted()


@pytest.mark.parametrize("kind, start", [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_files(intervals: Intervals, tmp_path: Path, kind: str, start: bytes) -> None:
    save_figure(score_figure(NAMES, intervals), tmp_path / f"scores.{kind}")
    assert (tmp_path / f"scores.{kind}").read_bytes().startswith(start)
