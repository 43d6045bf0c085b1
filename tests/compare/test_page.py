"""The page of a small comparison, with its figures and tables."""

import re
from pathlib import Path

import pytest

from mdfloss.compare import Plan, page, run_one, write_comparison


def test_comparison_writes_page_figures_and_tables(plan: Plan, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(ValueError, match="no task with a finished run of every loss: run the grid first"):
        write_comparison(plan, output)
    for run in plan.runs:
        run_one(plan.grid, run, output)
    (part,) = write_comparison(plan, output, commands=["mdfloss compare grid.yaml --output out"])
    assert part.scores.methods == ("L1", "Sum")
    text = (output / "report.html").read_text("utf-8")
    assert "<title>Which loss? L1, Sum</title>" in text
    assert "mdfloss compare grid.yaml --output out" in text
    assert "Sum is" in text
    assert re.search(r"Before restoration: \d+\.\d\d dB; the best after it: \d+\.\d\d\.", text)
    figures = {path.name for path in (output / "figures").iterdir()}
    names = ("violins-psnr", "violins-ssim", "plane", "val_psnr", "gradient_norm", "weight-Sum")
    assert figures == {f"denoise-tiny-2-steps-test-{name}{suffix}" for name in names for suffix in (".svg", ".pdf")}
    assert {path.name for path in (output / "tables").iterdir()} >= {"scores.csv", "scores.parquet", "tests.csv"}


def test_a_title_names_few_losses_only(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "NAMED", 1)
    for run in plan.runs:
        run_one(plan.grid, run, tmp_path)
    write_comparison(plan, tmp_path)
    assert "<title>Which loss? Sum and 1 others</title>" in (tmp_path / "report.html").read_text("utf-8")
