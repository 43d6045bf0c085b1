"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdfloss.files import atomic_write


def test_writes_with_the_usual_permissions(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "new" / "a.txt") as partial:
        partial.touch(mode=0o600)
        partial.write_text("whole")
        assert partial.suffix == ".txt"
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert (tmp_path / "new" / "a.txt").stat().st_mode == plain.stat().st_mode


def test_a_failure_leaves_what_stood_there(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write() -> None:
        with atomic_write(target) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_names_may_be_as_long_as_the_file_system_allows(tmp_path: Path) -> None:
    target = tmp_path / f"{'画' * 83}.png"
    assert len(target.name.encode()) > 250
    with atomic_write(target) as partial:
        partial.write_text("whole")
    assert target.read_text() == "whole"


def test_replaces_only_when_told(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(FileExistsError, match="pass --force to replace it"), atomic_write(target, force=False):
        pytest.fail("the block must not run")
    assert target.read_text() == "old"
