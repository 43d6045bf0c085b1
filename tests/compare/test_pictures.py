"""The test pictures as files: what is written once, and what is written anew."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from mdfloss.compare import Grid, GridTask, GridTest
from mdfloss.compare.pictures import Pictures, check_data, write_pictures
from mdfloss.compare.run import grid_examples
from mdfloss.evaluation import measure
from mdfloss.images import read_image
from mdfloss.networks import build_network, save_network


def write(grid: Grid, folder: Path, upscale: int = 1) -> Pictures:
    return write_pictures(grid, "denoise", "test", upscale=upscale, folder=folder)


def test_files_are_what_networks_see_and_scores_theirs(grid: Grid, tmp_path: Path) -> None:
    pictures = write(grid, tmp_path / "pictures")
    assert pictures.label == "Distorted"
    for index, example in enumerate(grid_examples(grid, "denoise", "test")):
        assert torch.equal(read_image(pictures.clean[example.name]), example.clean)
        seen = (example.distorted.clamp(0, 1) * 255).round() / 255
        assert torch.allclose(read_image(pictures.distorted[example.name]), seen)
        expected = measure("psnr", example.distorted, example.clean, protocol=grid.tasks["denoise"].protocol).item()
        assert pictures.scores.column("Distorted", "psnr")[index] == pytest.approx(expected)


def test_they_are_written_again_only_where_something_else_is_asked_for(grid: Grid, tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    first = write(grid, folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")}
    assert write(grid, folder) == first
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.*")} == before
    stronger = GridTest({"class_path": "GaussianNoise", "init_args": {"sigma": 60}})
    task = GridTask(grid.tasks["denoise"].distortion, tests={"test": stronger}, crop_border=2)
    second = write(replace(grid, tasks={"denoise": task}), folder)
    assert (second.scores.column("Distorted", "psnr") < first.scores.column("Distorted", "psnr") - 3).all()


@pytest.mark.parametrize("folder", ["train", "val", "test"])
def test_a_folder_that_is_missing_is_told_before_any_training(grid: Grid, tmp_path: Path, folder: str) -> None:
    check_data(grid)
    (tmp_path / folder).rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=f"{folder}: no such f"):
        check_data(grid)


@pytest.mark.parametrize("address", ["s3://bucket/set", "local:/nowhere"])
def test_shards_at_an_address_are_left_to_the_training(grid: Grid, address: str) -> None:
    check_data(replace(grid, training=replace(grid.training, train_dir=address)))


def test_a_metric_that_the_pictures_are_too_small_for_is_told_before_any_training(grid: Grid) -> None:
    with pytest.raises(ValueError, match="MS-SSIM needs images of 161 px or more"):
        check_data(replace(grid, metrics=("ms_ssim",)))


def test_a_start_that_does_not_fit_is_told_before_any_training(grid: Grid, tmp_path: Path) -> None:
    file = tmp_path / "edsr.safetensors"
    (tiny,) = grid.networks.values()
    started = replace(grid, networks={"tiny": replace(tiny, start=str(file))})
    with pytest.raises(FileNotFoundError, match=file.name):
        check_data(started)
    save_network(build_network("EDSR", num_features=4, num_blocks=1, upscale=2), file)
    with pytest.raises(ValueError, match=r"holds EDSR .* the run trains DnCNN"):
        check_data(started)


def test_small_pictures_are_brought_to_size(grid: Grid, tmp_path: Path) -> None:
    task = GridTask({"class_path": "Downscale", "init_args": {"factor": 2}})
    pictures = write(replace(grid, tasks={"denoise": task}), tmp_path / "pictures", upscale=2)
    assert pictures.label == "Bicubic"
    assert read_image(pictures.distorted["0"]).shape == read_image(pictures.clean["0"]).shape
