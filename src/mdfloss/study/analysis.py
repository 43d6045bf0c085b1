"""From votes to results: screening, scaling, tests, tables, figures."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdfloss.files import refuse_overwrite

from .export import check_rows, open_readonly, unit_rows, vote_rows
from .intervals import Comparisons, Intervals, bootstrap, compare_scores
from .screening import Agreement, Discarded, agreement, discard_sessions
from .trials import Study
from .votes import Votes, read_votes, write_rows

__all__ = ["Analysis", "analyze", "load_votes", "preference_percentages", "read_psnr", "write_analysis"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Analysis:
    """The results of a study.

    Attributes:
        votes: The votes that were scaled.
        discarded: Work units dropped for a missed golden trial.
        agreement: How each observer agrees with the others; None with fewer than three observers.
        excluded: Observers left out for disagreeing.
        intervals: Scores with intervals, in JND.
        comparisons: Tests of all pairs.
    """

    votes: Votes
    discarded: Discarded
    agreement: Agreement | None
    excluded: tuple[str, ...]
    intervals: Intervals
    comparisons: Comparisons


def load_votes(source: Path, *, checks: Path | None = None) -> tuple[Votes, frozenset[str]]:
    """Votes on real trials, and the names of work units that missed a golden one.

    Args:
        source: A study folder, or a CSV file with pwcmp's columns.
        checks: The export of golden trials that goes with a CSV file.

    Raises:
        ValueError: The file is no table of votes.
    """
    if not source.is_dir():
        votes = read_votes(source)
        if checks is None:
            return votes, frozenset()
        with checks.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        if rows and "passed" not in rows[0]:
            raise ValueError(f"{checks} has no column 'passed': it must be the export of golden trials")
        return votes, frozenset(f"{row['observer']}/{row['session']}" for row in rows if row["passed"] == "0")
    study = Study.load(source)
    db = open_readonly(source / "votes.sqlite")
    try:
        rows = [{name: str(value) for name, value in row.items()} for row in vote_rows(db)]
        missed = [row for row in check_rows(db) if not row["passed"]]
        failed = frozenset(f"{row['observer']}/{row['session']}" for row in missed)
        unit_rows(db)
    finally:
        db.close()
    return Votes.from_rows(rows, conditions=study.conditions), failed


def analyze(
    votes: Votes,
    *,
    failed: frozenset[str] = frozenset(),
    screen: bool = True,
    prior: str = "gaussian",
    regularization: str = "mean0",
    samples: int = 500,
    seed: int = 0,
) -> Analysis:
    """Screen, scale and test.

    Args:
        votes: Votes on real trials.
        failed: Work units to drop, from `load_votes`.
        screen: Leave out observers from 1.5 interquartile ranges of disagreement on.
        prior: As in `scale`.
        regularization: As in `scale`.
        samples: Bootstrap draws.
        seed: Their seed.

    Raises:
        ValueError: Too few votes are left.
    """
    discarded = discard_sessions(votes, failed)
    kept = discarded.votes
    if not len(kept):
        raise ValueError(f"all {len(votes)} votes are in work units with a missed golden trial: nothing is left")
    agreed = agreement(kept.counts_by_observer(), prior=prior) if len(votes.observers) > 2 else None
    out = agreed.excluded if agreed is not None and screen else np.zeros(len(votes.observers), dtype=bool)
    kept = kept.keep(~out[kept.observer])
    intervals = bootstrap(
        kept.counts_by_observer(), samples=samples, seed=seed, prior=prior, regularization=regularization
    )
    names = tuple(name for name, left_out in zip(votes.observers, out, strict=True) if left_out)
    return Analysis(kept, discarded, agreed, names, intervals, compare_scores(intervals))


def preference_percentages(votes: Votes) -> Array:
    """N × N: percentage of a pair's votes that preferred the row to the column; NaN where there is none."""
    counts = votes.counts().astype(np.float64)
    total = counts + counts.T
    percent: Array = np.divide(100 * counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    return percent


def read_psnr(path: Path) -> dict[str, float]:
    """Mean PSNR of each method, in dB, from a CSV table with the columns `method` and `psnr`.

    Raises:
        ValueError: A column is missing, or a value is no number.
    """
    values: dict[str, list[float]] = {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            try:
                values.setdefault(row["method"], []).append(float(row["psnr"]))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path}: needed are the columns 'method' and 'psnr', seen was {row}") from error
    return {name: float(np.mean(numbers)) for name, numbers in values.items()}


def write_analysis(
    analysis: Analysis, folder: Path, *, psnr: Mapping[str, float] | None = None, force: bool = False
) -> list[Path]:
    """Write tables and figures.

    Args:
        analysis: The results.
        folder: Where to: `scores.csv`, `pairs.csv`, `observers.csv`, `summary.json` and the figures.
        psnr: Mean PSNR of each condition, for the perception-distortion plane.
        force: Replace what stands there.

    Returns:
        The files written.

    Raises:
        FileExistsError: `folder` exists and `force` is False.
        ValueError: `psnr` lacks a condition.
    """
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
    written = _write_tables(analysis, folder)
    for name, figure in drawn.items():
        for suffix in ("svg", "pdf", "png"):
            path = folder / f"{name}.{suffix}"
            figures.save(figure, path)
            written.append(path)
    return written


def _write_tables(analysis: Analysis, folder: Path) -> list[Path]:
    names, intervals = analysis.votes.conditions, analysis.intervals
    percent, tests = preference_percentages(analysis.votes), analysis.comparisons
    scores: list[dict[str, object]] = [
        {"condition": name, "jod": f"{score:.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}
        for name, score, low, high in zip(names, intervals.scores, intervals.low, intervals.high, strict=True)
    ]
    pairs: list[dict[str, object]] = [
        {
            "condition_A": names[i],
            "condition_B": names[j],
            "votes": int(analysis.votes.counts()[[i, j], [j, i]].sum()),
            "percent_A": f"{percent[i, j]:.1f}",
            "difference": f"{tests.difference[i, j]:.4f}",
            "p_value": f"{tests.p_value[i, j]:.3g}",
            "p_holm": f"{tests.p_holm[i, j]:.3g}",
        }
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    observers: list[dict[str, object]] = []
    if analysis.agreement is not None:
        lines = zip(
            analysis.votes.observers, analysis.agreement.log_likelihood, analysis.agreement.distance, strict=True
        )
        observers = [
            {
                "observer": name,
                "log_likelihood": f"{value:.4f}",
                "distance": f"{distance:.3f}",
                "excluded": int(name in analysis.excluded),
            }
            for name, value, distance in lines
        ]
    tables: dict[str, list[dict[str, object]]] = {"scores": scores, "pairs": pairs, "observers": observers}
    for name, rows in tables.items():
        write_rows(folder / f"{name}.csv", rows, columns=list(rows[0]) if rows else ["observer"])
    summary = {
        "votes": len(analysis.votes),
        "observers": len(np.unique(analysis.votes.observer)),
        "discarded_sessions": len(analysis.discarded.sessions),
        "discarded_votes": analysis.discarded.dropped,
        "discarded_percentage": round(analysis.discarded.percentage, 2),
        "excluded_observers": len(analysis.excluded),
        "level": intervals.level,
        "components": intervals.scaling.components,
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return [*(folder / f"{name}.csv" for name in tables), folder / "summary.json"]
