"""Tables, summary and figures on disk, and the PSNR beside them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from mdfloss.study.analysis import analyze
from mdfloss.study.per_scene import scale_scenes
from mdfloss.study.results import read_psnr, write_analysis
from mdfloss.study.votes import Votes


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


def test_psnr_table(votes: Votes, tmp_path: Path) -> None:
    table = tmp_path / "psnr.csv"
    table.write_text("image,method,psnr\na,l1,28\nb,l1,30\na,mdf,31\n")
    assert read_psnr(table) == {"l1": 29.0, "mdf": 31.0}
    with pytest.raises(ValueError, match="lacks l2"):
        write_analysis(analyze(votes, samples=5), tmp_path / "out", psnr=read_psnr(table))
    table.write_text("method,ssim\nl1,1\n")
    with pytest.raises(ValueError, match="'method' and 'psnr'"):
        read_psnr(table)
    for method in ("l1", "mdf"):  # one table a method, as `evaluate` writes them, or `loss`, as `compare` calls it
        (tmp_path / "scores").mkdir(exist_ok=True)
        (tmp_path / "scores" / f"{method}.csv").write_text(f"image,loss,psnr\na,{method},28\nb,{method},30\n")
    assert read_psnr(tmp_path / "scores") == {"l1": 29.0, "mdf": 29.0}
    table.write_text("method,psnr\n")
    with pytest.raises(ValueError, match="holds no scores"):
        read_psnr(table)


def test_psnr_of_several_tests_is_not_averaged(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    table.write_text("loss,seed,test,image,psnr\nl1,0,sigma 15,a,30\nl1,1,sigma 15,a,32\nmdf,0,sigma 25,a,28\n")
    assert read_psnr(table) == {"l1": 31.0, "mdf": 28.0}
    with table.open("a") as file:
        file.write("l1,0,sigma 25,a,27\n")
    with pytest.raises(ValueError, match="'l1' are of several kinds, test 'sigma 15' and 'sigma 25': keep those"):
        read_psnr(table)


def test_scores_of_scenes(votes: Votes, tmp_path: Path) -> None:
    write_analysis(analyze(votes, samples=5), tmp_path / "out", scenes=scale_scenes(votes, samples=5))
    with (tmp_path / "out" / "scenes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["scene"], row["condition"]) for row in rows] == [("cat", name) for name in ("l1", "l2", "mdf")]
    assert sum(int(row["votes"]) for row in rows) == 2 * len(votes)
