"""Making a study: what is copied, and what is refused before anything is written."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
import torch
from participant import MakeStudy

from mdfloss.images import read_image, write_image
from mdfloss.study.links import Secrets
from mdfloss.study.setup import condition_names, create_study, invite, window_sizes
from mdfloss.study.store import Store
from mdfloss.study.trials import BAD, GOOD, Study, StudyConfig


def methods(root: Path) -> dict[str, Path]:
    return {name: root / name for name in ("good", "poor")}


def test_pictures_are_copied_exactly_under_names_that_tell_nothing(study: Study, result_folders: Path) -> None:
    scene = study.scene("cat")
    assert (scene.width, scene.height) == (48, 40)
    copied = read_image(study.image_path(scene.images["fair"]))
    assert torch.equal(copied, read_image(result_folders / "fair" / "cat.png"))
    names = [path.stem for path in (study.folder / "images").iterdir()]
    assert len(names) == 3 * 5
    assert all(len(name) == 32 for name in names)


def test_known_bad_versions_are_bad(study: Study) -> None:
    for scene in study.scenes:
        good, bad = (read_image(study.image_path(scene.images[name])) for name in (GOOD, BAD))
        assert (good - bad).square().mean() > 10**-2.2


def test_keys_are_the_owner_s_only(study: Study) -> None:
    assert (study.folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_all_problems_are_told_and_nothing_is_written(result_folders: Path, tmp_path: Path) -> None:
    root = tmp_path / "results"
    shutil.copytree(result_folders, root)
    (root / "poor" / "cat.png").unlink()
    with pytest.raises(ValueError, match=r"1 pictures are missing:\n  poor: no result for cat"):
        create_study(methods(root), root / "reference", tmp_path / "study")
    write_image(root / "poor" / "cat.png", torch.rand(1, 3, 40, 44))
    (root / "good" / "boat.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"(?s)2 problems.*boat.*40×44 px.*40×48 px"):
        create_study(methods(root), root / "reference", tmp_path / "study")
    assert not (tmp_path / "study").exists()
    assert not list(tmp_path.glob(".*"))


def test_a_known_bad_version_must_be_bad(result_folders: Path, tmp_path: Path) -> None:
    root = result_folders
    with pytest.raises(ValueError, match="known-bad version of boat is too good"):
        create_study(methods(root), root / "reference", tmp_path / "study", bad=root / "good")


def test_an_existing_study_is_kept(study: Study, result_folders: Path) -> None:
    with pytest.raises(FileExistsError, match="--force"):
        create_study(methods(result_folders), result_folders / "reference", study.folder)


def test_a_study_that_is_being_served_is_not_replaced(study: Study, result_folders: Path) -> None:
    store = Store(study.folder / "votes.sqlite")
    with pytest.raises(BlockingIOError, match="being served by another process"):
        create_study(methods(result_folders), result_folders / "reference", study.folder, force=True)
    store.close()
    kept = (study.folder / "secrets.json").read_bytes()
    create_study(methods(result_folders), result_folders / "reference", study.folder, force=True)
    assert (study.folder / "secrets.json").read_bytes() != kept
    assert not list(study.folder.parent.glob(".*"))


def test_count_takes_a_seeded_subset(result_folders: Path, tmp_path: Path) -> None:
    root = result_folders
    study = create_study(methods(root), root / "reference", tmp_path / "study", count=2)
    assert len(study.scenes) == 2
    with pytest.raises(ValueError, match="count is 9: there are 3"):
        create_study(methods(root), root / "reference", tmp_path / "other", count=9)


def test_reserved_and_equal_names(result_folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two or more, none called 'reference'"):
        create_study({"x": result_folders / "good"}, result_folders / "reference", tmp_path / "study")
    assert list(condition_names([Path("/a/x/out"), Path("/a/y/out")])) == ["x/out", "y/out"]
    with pytest.raises(ValueError, match="given twice"):
        condition_names([Path("/a"), Path("/a")])


def test_formats_depths_and_turned_pictures(tmp_path: Path) -> None:
    """JPEG, 16-bit and gray results beside PNG references, tall and wide ones."""
    clean = torch.nn.functional.interpolate(torch.rand(1, 3, 8, 5), scale_factor=8)
    for name, picture in (("tall", clean), ("wide", clean.transpose(2, 3))):
        write_image(tmp_path / "reference" / f"{name}.png", picture)
        write_image(tmp_path / "good" / f"{name}.jpg", picture)
        write_image(tmp_path / "poor" / f"{name}.tiff", picture.mean(1, keepdim=True), bit_depth=16)
    study = create_study(methods(tmp_path), tmp_path / "reference", tmp_path / "study")
    assert {(scene.name, scene.width, scene.height) for scene in study.scenes} == {("tall", 40, 64), ("wide", 64, 40)}
    for scene in study.scenes:
        for image in scene.images.values():
            assert read_image(study.image_path(image), channels=None).shape == (1, 3, scene.height, scene.width)
    assert window_sizes(study) == [(3 * 96 + 48, 64 + 132), (2 * 96 + 24, 2 * 64 + 188)]
    flip = Study(study.folder, StudyConfig(mode="flip"), study.conditions, study.scenes)
    assert window_sizes(flip) == [(64 + 16, 64 + 200)]


def test_invitations(make_study: MakeStudy) -> None:
    study = make_study("inviting")
    keys = Secrets.load(study.folder / "secrets.json")
    with invite(study, 3, url="https://lab.example/").open() as file:
        rows = list(csv.DictReader(file))
    assert [keys.read_link(row["link"].removeprefix("https://lab.example/s/")) for row in rows] == [
        "seat-0001",
        "seat-0002",
        "seat-0003",
    ]


def test_a_folder_that_is_no_study_is_never_deleted(result_folders: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "chapter.txt").write_text("a year")
    with pytest.raises(FileExistsError, match="thesis is not a study, and is left as it is"):
        create_study(methods(result_folders), result_folders / "reference", thesis, force=True)
    assert (thesis / "chapter.txt").read_text() == "a year"
