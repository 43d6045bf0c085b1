"""The page of a small comparison, with its figures and tables."""

import re
from pathlib import Path

import pytest

from mdfloss.compare import Plan, run_one, write_comparison


def test_comparison_writes_page_figures_and_tables(plan: Plan, tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(ValueError, match="no task with a finished run of every loss: run the grid first"):
        write_comparison(plan, output)
    for run in plan.runs:
        run_one(plan.grid, run, output)
    (part,) = write_comparison(plan, output, commands=["mdfloss compare grid.yaml --output out"])
    assert part.scores.methods == ("L1", "Sum")
    page = (output / "report.html").read_text("utf-8")
    assert "mdfloss compare grid.yaml --output out" in page
    assert "Sum is" in page
    assert re.search(r"Before restoration: \d+\.\d\d dB; the best after it: \d+\.\d\d\.", page)
    figures = {path.name for path in (output / "figures").iterdir()}
    names = ("violins-psnr", "violins-ssim", "plane", "val_psnr", "gradient_norm", "weight-Sum")
    assert figures == {f"denoise-tiny-2-steps-test-{name}{suffix}" for name in names for suffix in (".svg", ".pdf")}
    assert {path.name for path in (output / "tables").iterdir()} >= {"scores.csv", "scores.parquet", "tests.csv"}
