"""`mdfloss evaluate` on the terminal."""

import shutil
from pathlib import Path

import pytest
import torch

from mdfloss.cli import main
from mdfloss.evaluation import ScoreTable
from mdfloss.evaluation.metrics import psnr
from mdfloss.images import read_image, write_image


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
    for spelled in (["--metrics", "ssim,psnr"], ["--metrics=ssim,psnr"]):
        assert main(["evaluate", *folders, *spelled]) == 0
        shown = capsys.readouterr().out
        assert shown.index("SSIM") < shown.index("PSNR")
    for wrong in ("[snr]", "snr", "[]"):
        assert main(["evaluate", *folders, "--metrics", wrong]) == 1
        assert "metrics must be among psnr, ssim" in capsys.readouterr().err


def test_a_result_that_equals_its_reference(folders: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    mine, clean = map(Path, folders)
    shutil.copy(clean / "2.png", mine / "2.png")
    assert main(["evaluate", *folders, "--metrics", "psnr"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    other = psnr(read_image(mine / "1.png"), read_image(clean / "1.png")).item()
    assert f"1 of 2 results equal their references, so PSNR is infinite; the others' mean is {other:.2f} dB" in shown
    assert "nan" not in shown
