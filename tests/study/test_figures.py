"""Figures: what is drawn, not how it looks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mdfloss.study.figures import plane_figure, save, score_figure, significance_figure
from mdfloss.study.intervals import Intervals, compare_scores
from mdfloss.study.scaling import Scaling

NAMES = ("l1", "l2", "$mdf$")


@pytest.fixture
def intervals() -> Intervals:
    scores = np.array([-0.5, -0.4, 0.9])
    covariance = 0.02 * np.eye(3)
    return Intervals(Scaling(scores, 1, 0.0, 1), scores - 0.3, scores + 0.3, covariance, 0.95)


def test_scores_are_ordered_best_first(intervals: Intervals) -> None:
    axes = score_figure(NAMES, intervals).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [r"\$mdf\$", "l2", "l1"]
    assert "JND" in axes.get_ylabel()


def test_triangle_has_every_pair_once_and_stars(intervals: Intervals) -> None:
    axes = significance_figure(NAMES, intervals, compare_scores(intervals)).axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["0.10", "1.30*", "1.40*"]


def test_plane_has_the_paper_s_reversed_axes(intervals: Intervals) -> None:
    axes = plane_figure(NAMES, intervals, [28, 29, 28.5]).axes[0]
    assert axes.xaxis_inverted()
    assert axes.yaxis_inverted()


@pytest.mark.parametrize("kind, start", [("svg", b"<?xml"), ("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_files(intervals: Intervals, tmp_path: Path, kind: str, start: bytes) -> None:
    save(score_figure(NAMES, intervals), tmp_path / f"scores.{kind}")
    assert (tmp_path / f"scores.{kind}").read_bytes().startswith(start)
