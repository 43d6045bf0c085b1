"""Two folders against each other: matching, sizes, and what is missing."""

from pathlib import Path

import pytest
import torch

from mdfloss.evaluation import MetricProtocol, measure
from mdfloss.evaluation.folders import evaluate_folders, match_folders
from mdfloss.images import read_image, write_image


@pytest.fixture
def folders(tmp_path: Path, generator: torch.Generator) -> tuple[Path, Path]:
    for name in ("one", "sub/two", "only"):
        image = torch.rand(1, 3, 20, 24, generator=generator)
        write_image(tmp_path / "references" / f"{name}.png", image)
        if name != "only":
            write_image(tmp_path / "results" / f"{name}.tif", (image + 0.1).clamp(0, 1))
    write_image(tmp_path / "results" / "surplus.png", torch.zeros(1, 1, 20, 24))
    return tmp_path / "results", tmp_path / "references"


def test_scores_pairs_and_lists_the_rest(folders: tuple[Path, Path]) -> None:
    protocol = MetricProtocol(crop_border=2)
    scores = evaluate_folders(*folders, protocol=protocol)
    assert scores.table.images == ("one", "sub/two")
    assert (scores.missing, scores.extra) == (("only",), ("surplus",))
    assert scores.table.protocol == "RGB, 2 px cropped, rounded to 8 bits, data range 1"
    pred, target = (
        read_image(folder / f"one{suffix}") for folder, suffix in zip(folders, (".tif", ".png"), strict=True)
    )
    expected = measure("psnr", pred, target, protocol=protocol).item()
    assert scores.table.column("results", "psnr")[0] == pytest.approx(expected)


def test_two_files_match_whatever_their_names(folders: tuple[Path, Path]) -> None:
    result, reference = folders[0] / "one.tif", folders[1] / "only.png"
    assert match_folders(result, reference) == {"only": (result, reference)}


def test_gray_result_of_a_color_reference_is_compared_in_color(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", torch.full((1, 1, 12, 12), 0.5))
    write_image(tmp_path / "b.png", torch.full((1, 3, 12, 12), 0.5))
    table = evaluate_folders(tmp_path / "a.png", tmp_path / "b.png", metrics=["psnr"]).table
    assert table.column("a", "psnr").tolist() == [float("inf")]


def test_refuses_what_does_not_fit(folders: tuple[Path, Path], tmp_path: Path) -> None:
    results, references = folders
    with pytest.raises(FileNotFoundError, match="no folder"):
        evaluate_folders(tmp_path / "nowhere", references)
    with pytest.raises(ValueError, match="metrics must be among"):
        evaluate_folders(results, references, metrics=[])
    write_image(results / "only.png", torch.zeros(1, 3, 20, 23))
    with pytest.raises(ValueError, match=r"only.png is 20×23 px, but its reference .*only.png is 20×24 px"):
        evaluate_folders(results, references)
    write_image(results / "one.png", torch.zeros(1, 3, 20, 24))
    with pytest.raises(ValueError, match="have one name: pictures are named without suffix"):
        evaluate_folders(results, references)


def test_no_common_name_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / name / f"{name}.png", torch.zeros(1, 3, 12, 12))
    with pytest.raises(ValueError, match=r"has the name of one in .*: the first are 'a' and 'b'"):
        evaluate_folders(tmp_path / "a", tmp_path / "b")
