"""One run: its files, what it never does twice, and that scores are those of its pictures."""

from pathlib import Path

import pytest
import torch

from mdfloss.compare import Grid, run_one
from mdfloss.compare.run import grid_examples, is_done
from mdfloss.evaluation import ScoreTable, measure
from mdfloss.images import read_image


def test_run_leaves_everything_and_is_not_done_again(grid: Grid, tmp_path: Path) -> None:
    run = grid.runs[0]
    folder = run_one(grid, run, tmp_path / "out")
    assert folder == tmp_path / "out" / "runs" / "denoise" / "tiny" / "L1" / "lr0.001" / "seed0"
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "curves.csv", "last.safetensors", "scores.csv", "result.json", "restored"} <= names
    assert "gradient_norm" in (folder / "curves.csv").read_text()
    table = ScoreTable.load_csv(folder / "scores.csv")
    restored, clean = read_image(folder / "restored" / "1.png"), read_image(tmp_path / "test" / "1.png")
    expected = measure("psnr", restored, clean, protocol=grid.tasks["denoise"].protocol).item()
    assert table.column("L1", "psnr")[1] == pytest.approx(expected)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    run_one(grid, run, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_half_done_run_goes_on(grid: Grid, tmp_path: Path) -> None:
    run = grid.runs[0]
    folder = run_one(grid, run, tmp_path / "out")
    weights, scores = (folder / "last.safetensors").read_bytes(), (folder / "scores.csv").read_bytes()
    for name in ("result.json", "scores.csv"):
        (folder / name).unlink()
    assert not is_done(folder)
    run_one(grid, run, tmp_path / "out")
    assert (folder / "last.safetensors").read_bytes() == weights
    assert (folder / "scores.csv").read_bytes() == scores


def test_every_method_sees_the_same_distorted_pictures(grid: Grid) -> None:
    first, again = list(grid_examples(grid, "denoise")), list(grid_examples(grid, "denoise"))
    assert [example.name for example in first] == ["0", "1", "2"]
    assert all(torch.equal(a.distorted, b.distorted) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].distorted - first[0].clean, first[1].distorted - first[1].clean)
    assert next(grid_examples(grid, "denoise", upscale=3)).clean.shape == (1, 3, 39, 42)
