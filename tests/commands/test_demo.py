"""`mdfloss demo`: what it refuses before it starts."""

from pathlib import Path

import pytest

from mdfloss.cli import main


def test_refuses_a_folder_of_something_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert main(["demo", "--output", str(tmp_path), "--force", "--steps", "1", "--fit-iterations", "1"]) == 1
    captured = capsys.readouterr()
    assert "The plan, timed on this machine" in captured.out
    assert "was not made by the demo: choose another --output" in captured.err
