from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mdfloss.training import Hardware, TrainConfig, train


def test_the_bar_shows_steps_and_the_newest_validation(
    config: TrainConfig, cpu: Hardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(config, tmp_path / "run", hardware=cpu, progress=True)
    shown = capsys.readouterr().out
    assert "24/24" in shown
    assert "step 24: loss" in shown


def test_it_is_closed_when_the_run_breaks_off(
    config: TrainConfig, cpu: Hardware, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hot = dataclasses.replace(config, optimizer=dataclasses.replace(config.optimizer, lr=1e30))
    with pytest.raises(ValueError, match="no longer finite"):
        train(hot, tmp_path / "run", hardware=cpu, progress=True)
    # A bar left open would refuse the next one.
    train(config, tmp_path / "next", hardware=cpu, progress=True)
    assert "24/24" in capsys.readouterr().out
