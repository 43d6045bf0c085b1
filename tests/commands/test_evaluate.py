"""`mdfloss evaluate` on the terminal."""

from pathlib import Path

import pytest
import torch

from mdfloss.cli import main
from mdfloss.evaluation import ScoreTable
from mdfloss.images import write_image


@pytest.fixture
def folders(tmp_path: Path, generator: torch.Generator) -> tuple[str, str]:
    for index in range(3):
        image = torch.rand(1, 3, 24, 28, generator=generator)
        write_image(tmp_path / "clean" / f"{index}.png", image)
        if index:
            write_image(tmp_path / "mine" / f"{index}.png", 0.9 * image)
    return str(tmp_path / "mine"), str(tmp_path / "clean")


def test_prints_protocol_table_and_what_is_missing(
    folders: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csv = tmp_path / "scores.csv"
    assert main(["evaluate", *folders, "--color-space", "y", "--crop-border", "2", "--csv", str(csv)]) == 0
    shown = capsys.readouterr().out
    assert "MATLAB's Y, 2 px cropped, rounded to 8 bits" in " ".join(shown.split())
    assert "PSNR [dB] ↑" in shown
    assert "1 references have no result: 0" in shown
    table = ScoreTable.load_csv(csv)
    assert table.images == ("1", "2")
    assert f"{table.column('mine', 'psnr').mean():.2f}" in shown
    assert main(["evaluate", *folders, "--csv", str(csv)]) == 1
    assert "exists" in capsys.readouterr().err


def test_metrics_are_a_list(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *folders, "--metrics", "[ssim]"]) == 0
    assert "PSNR" not in capsys.readouterr().out
    assert main(["evaluate", *folders, "--metrics", "[snr]"]) == 1
    assert "metrics must be among psnr, ssim" in capsys.readouterr().err
