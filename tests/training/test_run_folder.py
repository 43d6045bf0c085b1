from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch

from mdfloss.data import Skipped
from mdfloss.training import RunFolderError
from mdfloss.training.run_folder import RunFolder

CONFIG = {"lr": 0.1, "data": {"size": (1, 2)}}


class Malicious:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("executed"),))


def test_a_used_folder_needs_resume(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.check(CONFIG, resume=False)
    folder.start(CONFIG)
    before = (tmp_path / "run" / "config.json").read_bytes()
    with pytest.raises(RunFolderError, match="is in use: pass --resume"):
        folder.check(CONFIG, resume=False)
    folder.check(CONFIG, resume=True)
    folder.start(CONFIG)
    assert (tmp_path / "run" / "config.json").read_bytes() == before
    assert json.loads(before)["config"] == {"lr": 0.1, "data": {"size": [1, 2]}}


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match="is in use"):
        RunFolder(tmp_path).check(CONFIG, resume=False)
    with pytest.raises(RunFolderError, match="is in use: choose another folder"):
        RunFolder(tmp_path).check(CONFIG, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_resuming_where_nothing_ran_yet_starts(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.check(CONFIG, resume=True)
    assert not folder.path.exists()
    folder.start(CONFIG)
    assert folder.config.is_file()


def test_another_config_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.start(CONFIG)
    with pytest.raises(RunFolderError, match=r"data.size was \[1, 2\], now \[1, 3\]"):
        folder.check({"lr": 0.1, "data": {"size": (1, 3)}}, resume=True)


def test_state_survives_and_nothing_foreign_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = RunFolder(tmp_path)
    assert folder.load_state() is None
    folder.save_state({"step": 3, "weights": {"a": torch.ones(2)}})
    state = folder.load_state()
    assert state is not None
    assert state["step"] == 3
    whole = (tmp_path / "last.ckpt").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", pickle.dumps(Malicious())):
        (tmp_path / "last.ckpt").write_bytes(damaged)
        with pytest.raises(RunFolderError, match="cannot be read as a checkpoint"):
            folder.load_state()
    torch.save({"step": Malicious()}, tmp_path / "last.ckpt")
    with pytest.raises(RunFolderError, match="cannot be read as a checkpoint"):
        folder.load_state()
    assert not (tmp_path / "executed").exists()


def test_skipped_pictures_are_counted_as_they_are_listed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.count_skipped() == 0
    folder.write_skipped([Skipped(Path("a.png"), "damaged:\ntwo lines"), Skipped(Path("b.png"), "empty")])
    assert folder.skipped.read_text("utf-8") == "a.png: damaged: two lines\nb.png: empty\n"
    assert folder.count_skipped() == 2
    folder.write_skipped([])
    assert not folder.skipped.exists()


def test_rows_of_an_older_version_may_lack_a_column(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_curves([{"step": 1, "val_psnr": 20.0}, {"step": 2, "val_psnr": 21.0, "dead_relus": 0.5}])
    assert folder.curves.read_text("utf-8").splitlines()[1:] == ["1,20.0,nan", "2,21.0,0.5"]


def test_a_damaged_config_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.config.write_text("{", encoding="utf-8")
    with pytest.raises(RunFolderError, match=r"config\.json is damaged"):
        folder.check({}, resume=True)
