"""`mdfloss compare` on the terminal: the plan, the runs, the answer, and nothing twice."""

import json
from pathlib import Path

import pytest
import torch
from rich.console import Console

from mdfloss.cli import main
from mdfloss.commands.finding_table import finding_table
from mdfloss.commands.score_table import score_table
from mdfloss.evaluation import Score, ScoreTable
from mdfloss.images import write_image


@pytest.fixture
def grid_file(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    for part in ("train", "test"):
        for index in range(3):
            write_image(tmp_path / part / f"{index}.png", torch.rand(1, 3, 40, 44, generator=generator))
    grid = {
        "tasks": {"denoise": {"distortion": {"class_path": "GaussianNoise"}}},
        "losses": {"L1": {"expression": "l1"}, "MSE": {"expression": "mse"}},
        "networks": {"tiny": {"arguments": {"num_layers": 3, "num_features": 4}}},
        "training": {
            "train_dir": str(tmp_path / "train"),
            "val_dir": str(tmp_path / "test"),
            "steps": 2,
            "batch_size": 2,
            "patch_size": 16,
            "accelerator": "cpu",
        },
        "test_dir": str(tmp_path / "test"),
    }
    path = tmp_path / "grid.yaml"
    path.write_text(json.dumps(grid))
    return path


def test_plan_runs_and_answer(grid_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", str(grid_file), "--output", str(tmp_path / "out")]
    assert main([*arguments, "--plan"]) == 0
    assert "2 runs, 0 of them done" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "denoise · tiny · MSE · 2 steps · lr 0.001 · seed 0: done" in shown
    assert "MSE is" in shown
    assert "report.html" in shown
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert "2 runs, all of them done" in shown
    assert ": done" not in shown


def test_abreast(grid_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", str(grid_file), "--output", str(tmp_path / "out"), "--abreast"]
    assert main([*arguments, "2"]) == 0
    assert "MSE is" in capsys.readouterr().out
    assert main([*arguments, "0"]) == 1
    assert "abreast must be at least 1, got 0" in capsys.readouterr().err
    assert main([*arguments, "2", "--ray", "local"]) == 1
    assert "give --abreast or --ray, not both" in capsys.readouterr().err


def test_a_seed_chooses_and_the_next_is_trained_with_the_choice_alone(
    grid_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = json.loads(grid_file.read_text())
    grid |= {"seeds": [0, 1], "tuning_seeds": 1}
    grid["training"]["lrs"] = [0.001, 1e-9]
    grid_file.write_text(json.dumps(grid))
    assert main(["compare", str(grid_file), "--output", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "4 runs, 0 of them done" in shown
    assert "for the 2 runs of the seeds that wait for the choice" in " ".join(shown.split())
    trained = [json.loads(file.read_text()) for file in (tmp_path / "out").rglob("result.json")]
    best = {
        loss: max((r for r in trained if r["loss"] == loss and r["seed"] == 0), key=lambda r: r["val_psnr"])["lr"]
        for loss in ("L1", "MSE")
    }
    assert sorted((r["loss"], r["lr"]) for r in trained if r["seed"] == 1) == sorted(best.items())
    assert "MSE is" in shown


def test_errors_name_the_file_and_the_field(
    grid_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid_file.write_text(grid_file.read_text().replace("losses", "loses"))
    assert main(["compare", str(grid_file), "--output", str(tmp_path / "out")]) == 1
    assert "grid.yaml: the file has no loses: there are tasks, losses" in capsys.readouterr().err


def test_every_rival_is_tested_by_every_metric(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Score(
            str(index), method, {"psnr": 30.0 + index + bonus + 0.01 * (index % 3) * bonus, "mdsi": 0.3 + 0.1 * bonus}
        )
        for method, bonus in (("L1", 0.0), ("L2", -0.5), ("MDF", 1.0))
        for index in range(8)
    ]
    Console(width=140).print(finding_table(ScoreTable(("psnr", "mdsi"), tuple(rows)), candidate="MDF"))
    shown = capsys.readouterr().out
    lines = {line.split("│")[1].strip(): line for line in shown.splitlines() if line.count("│") > 2}
    assert set(lines) == {"L1", "L2"}
    assert "+1.01 dB  p < 0.001" in lines["L1"]
    assert "−0.1000  p < 0.001" in lines["L1"], "a distance that is larger is a disadvantage"
    assert "+1.51 dB  p < 0.001" in lines["L2"]


def test_a_metric_without_findings_shows_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Score(str(index), method, {"psnr": float("inf"), "mdsi": 0.3 + 0.01 * index + bonus})
        for method, bonus in (("MDF", 0.0), ("L1", 0.1))
        for index in range(4)
    ]
    Console(width=140).print(finding_table(ScoreTable(("psnr", "mdsi"), tuple(rows)), candidate="MDF"))
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "│ L1" in line)
    assert [cell.split()[0] for cell in line.strip("│").split("│")] == ["L1", "–", "+0.1000"]


@pytest.mark.parametrize(("width", "tables"), [(50, 3), (80, 2), (300, 1)])
def test_a_narrow_terminal_shows_the_metrics_below_each_other(
    width: int, tables: int, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = ("psnr", "ssim", "haarpsi")
    rows = [Score(str(index), "a method", dict.fromkeys(metrics, 0.5 + 0.01 * index)) for index in range(8)]
    Console(width=width).print(score_table(ScoreTable(metrics, tuple(rows)), title="noise"))
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert shown.count("│ a method") == tables
    assert shown.count("0.5350 ±") == 2
    assert shown.count("noise · 8 pictures") == shown.count("means ±") == 1
