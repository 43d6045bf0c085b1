"""Large pictures open without a warning, and the process's own warnings are left as they are."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image, UnidentifiedImageError

from mdfloss.pillow_files import open_image


def _open_and_close(path: Path) -> None:
    with open_image(path):
        pass


def test_large_pictures_are_no_reason_to_warn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    _open_and_close(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(Image.DecompressionBombError):
        open_image(path)


def test_other_kinds_are_not_looked_for(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    with pytest.raises(UnidentifiedImageError):
        open_image(tmp_path / "a.gif")


def test_threads_leave_the_process_s_warnings_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (8, 8)).save(path)
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(_open_and_close, [path] * 400))
    assert warnings.filters == before
