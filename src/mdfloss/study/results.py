"""The files of an analysis: tables as CSV, a summary, and the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mdfloss.files import atomic_write, refuse_overwrite

from .analysis import Analysis, cautions, preference_percentages
from .per_scene import SceneScores
from .votes import read_rows, write_rows

__all__ = ["read_psnr", "write_analysis"]

Row = dict[str, object]

SETTING = ("task", "network", "steps", "lr", "weight", "test")
"""Columns of a table by `mdfloss compare` whose rows must not be averaged with each other."""


def read_psnr(path: Path) -> dict[str, float]:
    """Mean PSNR of each method, in dB.

    Args:
        path: CSV table with the columns `method` (or `loss`, as `mdfloss compare` calls it) and `psnr`, or a folder of
            such tables, as `mdfloss evaluate --csv` writes one for each method.

    Raises:
        ValueError: A column is missing, a value is no number, there is no table, or one method's rows are of several
            tests or trainings.
    """
    tables = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    values: dict[str, list[float]] = {}
    settings: dict[str, dict[str, str]] = {}
    for table in tables:
        for row in read_rows(table):
            try:
                method, value = row["method" if "method" in row else "loss"], float(row["psnr"])
            except (KeyError, ValueError) as error:
                raise ValueError(f"{table}: needed are the columns 'method' and 'psnr', seen was {row}") from error
            first = settings.setdefault(method, {name: row.get(name, "") for name in SETTING})
            for name, wanted in first.items():
                if row.get(name, "") != wanted:
                    raise ValueError(
                        f"{table}: the rows of {method!r} are of several kinds, {name} {wanted!r} and "
                        f"{row.get(name)!r}: keep those of the pictures that people saw"
                    )
            values.setdefault(method, []).append(value)
    if not values:
        raise ValueError(f"{path} holds no scores: needed is a CSV table with the columns 'method' and 'psnr'")
    return {name: float(np.mean(numbers)) for name, numbers in values.items()}


def write_analysis(
    analysis: Analysis,
    folder: Path,
    *,
    scenes: Sequence[SceneScores] = (),
    psnr: Mapping[str, float] | None = None,
    force: bool = False,
) -> list[Path]:
    """Write tables and figures.

    Args:
        analysis: The results.
        folder: Where to: `scores.csv`, `pairs.csv`, `observers.csv`, `summary.json` and the figures.
        scenes: Scores of single scenes, for `scenes.csv`.
        psnr: Mean PSNR of each condition, for the perception-distortion plane.
        force: Replace what stands there.

    Returns:
        The files written.

    Raises:
        FileExistsError: `folder` exists and `force` is False.
        ValueError: `psnr` lacks a condition.
    """
    from mdfloss.evaluation.plots import save_figure

    from . import figures

    refuse_overwrite(folder, force=force)
    names = analysis.votes.conditions
    if psnr is not None and (missing := sorted(set(names) - set(psnr))):
        raise ValueError(f"the PSNR table lacks {', '.join(missing)}: it has {', '.join(sorted(psnr))}")
    drawn = {
        "scores": figures.score_figure(names, analysis.intervals),
        "significance": figures.significance_figure(names, analysis.intervals, analysis.comparisons),
    }
    if psnr is not None:
        drawn["plane"] = figures.plane_figure(names, analysis.intervals, [psnr[name] for name in names])
    folder.mkdir(parents=True, exist_ok=True)
    written = _write_tables(analysis, folder, scenes)
    for name, figure in drawn.items():
        for suffix in ("svg", "pdf", "png"):
            path = folder / f"{name}.{suffix}"
            save_figure(figure, path)
            written.append(path)
    return written


def _write_tables(analysis: Analysis, folder: Path, scenes: Sequence[SceneScores]) -> list[Path]:
    tables = {"scores": _score_rows(analysis), "pairs": _pair_rows(analysis), "observers": _observer_rows(analysis)}
    if scenes:
        tables["scenes"] = _scene_rows(scenes)
    for name, rows in tables.items():
        write_rows(folder / f"{name}.csv", rows, columns=list(rows[0]) if rows else ["observer"])
    with atomic_write(folder / "summary.json") as partial:
        partial.write_text(json.dumps(_summary(analysis), indent=1, ensure_ascii=False), encoding="utf-8")
    return [*(folder / f"{name}.csv" for name in tables), folder / "summary.json"]


def _score_rows(analysis: Analysis) -> list[Row]:
    intervals = analysis.intervals
    ends = zip(analysis.votes.conditions, intervals.scores, intervals.low, intervals.high, strict=True)
    return [
        {"condition": name, "jod": f"{score:.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}
        for name, score, low, high in ends
    ]


def _pair_rows(analysis: Analysis) -> list[Row]:
    names, counts, tests = analysis.votes.conditions, analysis.votes.counts(), analysis.comparisons
    percent = preference_percentages(analysis.votes)
    return [
        {
            "condition_A": names[i],
            "condition_B": names[j],
            "votes": int(counts[i, j] + counts[j, i]),
            "percent_A": f"{percent[i, j]:.1f}",
            "difference": f"{tests.difference[i, j]:.4f}",
            "p_value": f"{tests.p_value[i, j]:.3g}",
            "p_holm": f"{tests.p_holm[i, j]:.3g}",
        }
        for i, j in zip(*np.triu_indices(len(names), 1), strict=True)
    ]


def _observer_rows(analysis: Analysis) -> list[Row]:
    agreed = analysis.agreement
    if agreed is None:
        return []
    lines = zip(analysis.votes.observers, agreed.log_likelihood, agreed.distance, agreed.chance, strict=True)
    return [
        {
            "observer": name,
            "log_likelihood": f"{value:.4f}",
            "distance": f"{distance:.3f}",
            "chance": f"{chance:.3f}",
            "excluded": int(name in analysis.excluded),
        }
        for name, value, distance, chance in lines
    ]


def _scene_rows(scenes: Sequence[SceneScores]) -> list[Row]:
    rows: list[Row] = []
    for one in scenes:
        found = one.intervals
        for name, votes, score, low, high in zip(
            one.conditions, one.votes, found.scores, found.low, found.high, strict=True
        ):
            ends = {"jod": f"{score:.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}
            rows.append({"scene": one.scene, "condition": name, "votes": int(votes), **ends})
    return rows


def _summary(analysis: Analysis) -> Row:
    return {
        "votes": len(analysis.votes),
        "observers": len(np.unique(analysis.votes.observer)),
        "scenes": len(np.unique(analysis.votes.scene)),
        "discarded_sessions": len(analysis.discarded.sessions),
        "discarded_votes": analysis.discarded.dropped,
        "discarded_percentage": round(analysis.discarded.percentage, 2),
        "excluded_observers": len(analysis.excluded),
        "level": analysis.intervals.level,
        "components": analysis.intervals.scaling.components,
        "cautions": cautions(analysis),
    }
