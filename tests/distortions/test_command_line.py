"""Clear reasons for what was typed wrongly, also through the command itself."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from mdfloss.cli import main
from mdfloss.distortions import explain_distortion

USER_MODULE = """
class Shift:
    def __init__(self, length: int = 9):
        self.length = length

    def __call__(self, image, generator):
        return image.roll(self.length, -1)
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "typed_module.py").write_text(USER_MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "typed_module", raising=False)
    return "typed_module"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--iterations", "3"],
        ["--distortion", "GaussianNoise", "--distortion.sigma", "[0,55]"],
        ["--distortion=Jpeg", "--distortion.init_args.quality=10"],
        ["--distortion", "typed_module.Shift", "--distortion.length", "3"],
        ["--distortion", '{"class_path": "Jpeg"}'],
    ],
)
def test_nothing_to_explain(user_module: str, words: list[str]) -> None:
    explain_distortion(words)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--distortion", "GaussianNois"], ImportError, "no distortion is called 'GaussianNois'"),
        (["--distortion", "Jpeg", "--distortion.quality", "0"], ValueError, "quality must be within 1 to 100, got 0"),
        (["--distortion=Jpeg", "--distortion.quality=7.5"], ValueError, "quality must be a whole number or a pair"),
        (
            ["--distortion", "typed_module.Shift", "--distortion.lenth", "3"],
            ValueError,
            "no argument 'lenth'; it takes",
        ),
        (["--distortion", "os.path"], ValueError, "os.path is a module, not a class or function"),
    ],
)
def test_reasons(user_module: str, words: list[str], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        explain_distortion(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--distortion", "nowhere.Blur"], "error: no module 'nowhere' for the distortion nowhere.Blur"),
        (["--distortion", "GaussianNoise", "--distortion.sigma", "[5,0]"], "error: sigma must be (lowest, highest)"),
        (["--distortion", "typed_module.Shift", "--distortion.lenth", "3"], "error: typed_module.Shift takes no"),
    ],
)
def test_command_gives_the_reason(
    user_module: str, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert main(["fit", "seed.png", "--output", "bank.safetensors", *words]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(message)
    assert "Union subtypes" not in shown
