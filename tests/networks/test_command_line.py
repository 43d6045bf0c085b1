"""A wrong `--network` on the command line."""

from __future__ import annotations

import pytest

from mdfloss.cli import main
from mdfloss.networks import explain_network


def test_an_unknown_network_lists_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    for spelled in (["--network", "VDSR"], ["--network=mdfloss.networks.VDSR"]):
        assert main(["train", "--train-dir", "a", "--val-dir", "b", "-o", "c", *spelled]) == 1
        assert "network must be one of DnCNN, EDSR, RRDBNet, SRResNet, got 'VDSR'" in capsys.readouterr().err


def test_known_and_missing_ones_pass() -> None:
    for words in ([], ["--network", "DnCNN"], ["--network=mdfloss.networks.EDSR"], ["--network", "{class_path: X}"]):
        explain_network(words)
