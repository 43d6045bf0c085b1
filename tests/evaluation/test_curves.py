"""Curves of a training."""

from pathlib import Path

import pytest

from mdfloss.evaluation.curves import read_curves


def test_columns_of_numbers(tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text("step,val_psnr\n10,20.5\n20,21\n")
    assert read_curves(path) == {"step": [10, 20], "val_psnr": [20.5, 21]}
    path.write_text("")
    assert read_curves(path) == {}


@pytest.mark.parametrize("text", ["step,val_psnr\n10,many\n", "step,val_psnr\n10\n"])
def test_other_files_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "curves.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match="is not a table of numbers"):
        read_curves(path)
