"""`mdfloss bench` on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdfloss.cli import main

QUICK = ["bench", "--standard=false", "--loss", "[l1,l1+0.1*fft]", "--batch-size", "1", "--size", "16", "--rounds", "2"]


def test_prints_table_and_writes_csv_and_plot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv, plot = tmp_path / "costs.csv", tmp_path / "costs.svg"
    command = [*QUICK, "--memory=false", "--device", "cpu", "--csv", str(csv), "--plot", str(plot)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    assert "1×3×16×16, float32, CPU" in shown
    assert "l1+0.1*fft" in shown
    assert [line.split(",")[0] for line in csv.read_text().splitlines()] == ["name", "l1", "l1+0.1*fft"]
    assert "l1+0.1*fft" in plot.read_text()
    assert main(command) == 1
    assert "exists" in capsys.readouterr().err


def test_a_loss_that_is_named_twice_is_measured_once(tmp_path: Path) -> None:
    twice = [*QUICK[:3], "[l1,mse,mse]", *QUICK[4:], "--memory=false", "--device", "cpu"]
    assert main([*twice, "--csv", str(tmp_path / "costs.csv")]) == 0
    assert [line.split(",")[0] for line in (tmp_path / "costs.csv").read_text().splitlines()] == ["name", "l1", "mse"]


def test_a_device_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*QUICK, "--device", "cuda:99"]) == 1
    assert "there is no device 'cuda:99' here" in capsys.readouterr().err


def test_unknown_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--standard=false", "--loss", "[l3]", "--memory=false"]) == 1
    assert "'l3' is not one of" in capsys.readouterr().err
