"""The command line: what it lists, how options are spelled, and what errors look like."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from mdfloss import DiscriminatorBank, __version__
from mdfloss.cli import COMMANDS, main


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_its_options_are_explained(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module, _, function = COMMANDS[name][0].partition(":")
    parameters = inspect.signature(getattr(importlib.import_module(module), function)).parameters
    assert main([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert COMMANDS[name][1] in " ".join(shown.split())
    for parameter in parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert f"--{parameter.name.replace('_', '-')}" in shown


def test_usage_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in COMMANDS)
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["frobnicate"]) == 2
    assert "no command 'frobnicate'" in capsys.readouterr().err


def test_options_take_hyphens_flags_and_a_short_output(tmp_path: Path, tiny_bank: DiscriminatorBank) -> None:
    tiny_bank.save(tmp_path / "bank.safetensors")
    source = tmp_path / "plain.safetensors"
    import safetensors.torch

    safetensors.torch.save_file(safetensors.torch.load_file(tmp_path / "bank.safetensors"), source)
    command = ["import-official", str(source), "-o", str(tmp_path / "bank.safetensors")]
    assert main(command) == 1
    assert main([*command, "--force"]) == 0
    assert main([*command, "--force=false"]) == 1


def test_wrong_options_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-official", "x", "--nonsense", "1"]) == 1
    assert "--nonsense" in capsys.readouterr().err.replace("_", "-")
    assert main(["import-official", "no-such-file", "-o", "x.safetensors"]) == 1
    assert "there is no file at no-such-file" in capsys.readouterr().err


def test_options_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "options.yaml").write_text("file: from-yaml\noutput: x.safetensors\n")
    assert main(["import-official", "--config", str(tmp_path / "options.yaml")]) == 1
    assert "there is no file at from-yaml" in capsys.readouterr().err
