"""From votes to tables and figures."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from mdfloss.study.analysis import analyze, load_votes, preference_percentages, read_psnr, write_analysis
from mdfloss.study.simulate import simulate_votes
from mdfloss.study.votes import COLUMNS, Votes, write_rows


@pytest.fixture(scope="module")
def votes() -> Votes:
    names = ("l1", "l2", "mdf")
    rows = []
    for who, counts in enumerate(simulate_votes([0, 0.5, 1.5], participants=12, trials=18, seed=0)):
        for i, j in zip(*np.nonzero(counts), strict=True):
            row = {"observer": f"o{who:02d}", "session": "1", "scene": "cat", "is_A_selected": "1"}
            rows += counts[i, j] * [{**row, "condition_A": names[i], "condition_B": names[j]}]
    return Votes.from_rows(rows)


def test_files(votes: Votes, tmp_path: Path) -> None:
    analysis = analyze(votes, samples=40, failed=frozenset({"o03/1"}))
    psnr = {"l1": 28.0, "l2": 28.5, "mdf": 28.4}
    write_analysis(analysis, tmp_path / "out", psnr=psnr)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"scores.csv", "pairs.csv", "observers.csv", "summary.json"} < names
    assert {
        f"{figure}.{kind}" for figure in ("scores", "significance", "plane") for kind in ("svg", "pdf", "png")
    } < names
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["discarded_sessions"] == 1
    assert summary["discarded_votes"] == 18
    assert summary["discarded_percentage"] == pytest.approx(100 * 18 / 216, abs=0.01)
    with (tmp_path / "out" / "scores.csv").open() as file:
        scores = {row["condition"]: float(row["jod"]) for row in csv.DictReader(file)}
    assert scores["mdf"] > scores["l2"] > scores["l1"]
    with pytest.raises(FileExistsError, match="--force"):
        write_analysis(analysis, tmp_path / "out")


def test_percentages(votes: Votes) -> None:
    percent = preference_percentages(votes)
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose((percent + percent.T)[off], 100)
    assert np.isnan(np.diag(percent)).all()


def test_checks_beside_a_csv_file(tmp_path: Path) -> None:
    row = {"observer": "o", "scene": "s", "condition_A": "x", "condition_B": "y", "is_A_selected": 1}
    write_rows(tmp_path / "votes.csv", [{**row, "session": unit} for unit in (1, 2)], columns=COLUMNS)
    checks = [{**row, "session": unit, "passed": passed} for unit, passed in ((1, 1), (2, 0))]
    write_rows(tmp_path / "checks.csv", checks, columns=(*COLUMNS, "passed"))
    assert load_votes(tmp_path / "votes.csv", checks=tmp_path / "checks.csv")[1] == {"o/2"}
    with pytest.raises(ValueError, match="no column 'passed'"):
        load_votes(tmp_path / "votes.csv", checks=tmp_path / "votes.csv")


def test_psnr_table(votes: Votes, tmp_path: Path) -> None:
    table = tmp_path / "psnr.csv"
    table.write_text("image,method,psnr\na,l1,28\nb,l1,30\na,mdf,31\n")
    assert read_psnr(table) == {"l1": 29.0, "mdf": 31.0}
    with pytest.raises(ValueError, match="lacks l2"):
        write_analysis(analyze(votes, samples=5), tmp_path / "out", psnr=read_psnr(table))
    table.write_text("method,ssim\nl1,1\n")
    with pytest.raises(ValueError, match="'method' and 'psnr'"):
        read_psnr(table)


def test_nothing_left(votes: Votes) -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        analyze(votes, failed=frozenset(votes.sessions))
