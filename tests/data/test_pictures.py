from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from mdfloss.data import ImageSet
from mdfloss.data.pictures import evenly_spread, picture_levels
from mdfloss.images import ImageFileError, Picture, read_image, read_picture, write_image, write_picture


@pytest.fixture
def folder(tmp_path: Path, generator: torch.Generator) -> Path:
    for number, size in enumerate([(40, 30), (33, 57), (64, 64)]):
        write_image(tmp_path / "good" / f"{number}.png", torch.rand(1, 3, *size, generator=generator))
    return tmp_path / "good"


def test_bad_files_are_skipped_and_named(folder: Path, generator: torch.Generator) -> None:
    (folder / "text.png").write_text("not a picture")
    whole = (folder / "0.png").read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    write_image(folder / "small.png", torch.rand(1, 3, 10, 80, generator=generator))
    images = ImageSet(folder, min_size=24)
    assert [path.name for path in images.paths] == ["0.png", "1.png", "2.png"]
    reasons = {skipped.path.name: skipped.reason for skipped in images.skipped}
    assert set(reasons) == {"text.png", "half.png", "small.png"}
    assert reasons["small.png"] == "10×80 px, smaller than the 24 px asked for"


def test_a_folder_without_a_usable_picture_is_an_error(folder: Path) -> None:
    with pytest.raises(ImageFileError, match=r"no usable picture among 3; the first, .*0.png: 40×30 px, smaller"):
        ImageSet(folder, min_size=100)


def test_sizes_and_levels_belong_to_the_paths(folder: Path) -> None:
    images = ImageSet(folder, cache_bytes=40 * 30 * 3)
    assert images.sizes == [(40, 30), (33, 57), (64, 64)]
    for index, path in enumerate(images.paths):
        assert torch.equal(images.levels(index), picture_levels(path, channels=3))


def test_pictures_can_be_left_out(folder: Path) -> None:
    images = ImageSet(folder)
    last = images.levels(2)
    images.leave_out({images.paths[1]: "its partner is broken"})
    assert ([path.name for path in images.paths], images.sizes) == (["0.png", "2.png"], [(40, 30), (64, 64)])
    assert torch.equal(images.levels(1), last)
    assert [(s.path.name, s.reason) for s in images.skipped] == [("1.png", "its partner is broken")]


def test_gray_pictures_become_colour_and_colour_gray(tmp_path: Path) -> None:
    write_image(tmp_path / "colour.png", torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4))
    write_image(tmp_path / "gray.png", torch.full((1, 1, 4, 4), 0.2))
    assert picture_levels(tmp_path / "colour.png", channels=1).unique().tolist() == [76]
    assert picture_levels(tmp_path / "gray.png", channels=3).unique().tolist() == [51]


def _through_floats(path: Path, channels: int) -> torch.Tensor:
    """The levels by way of the picture as floats."""
    white = 2 ** read_picture(path).bit_depth - 1
    return (read_image(path, channels=channels)[0] * white).round().to(torch.uint8 if white == 255 else torch.uint16)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bit_depth", [8, 16])
@pytest.mark.parametrize("colours, has_alpha", [(1, False), (1, True), (3, False), (3, True)])
def test_levels_are_those_of_the_picture_as_floats(
    tmp_path: Path, channels: int, suffix: str, bit_depth: Any, colours: int, has_alpha: bool
) -> None:
    random = torch.Generator().manual_seed(7)
    image, alpha = (torch.rand(1, c, 61, 47, generator=random) for c in (colours, 1))
    path = tmp_path / f"picture{suffix}"
    write_picture(path, Picture(image, alpha if has_alpha else None, bit_depth))
    levels = picture_levels(path, channels=channels)
    assert levels.is_contiguous()
    assert torch.equal(levels.int(), _through_floats(path, channels).int())
    assert levels.dtype == (torch.uint8 if bit_depth == 8 else torch.uint16)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("transparency", [None, 3])
def test_levels_of_a_palette(tmp_path: Path, channels: int, transparency: int | None) -> None:
    indices = np.random.default_rng(1).integers(0, 256, (20, 30), dtype=np.uint8)
    picture = Image.fromarray(indices, mode="L")
    picture.putpalette(np.random.default_rng(2).integers(0, 256, 768, dtype=np.uint8).tobytes())
    picture.save(tmp_path / "picture.png", **({} if transparency is None else {"transparency": transparency}))
    levels = picture_levels(tmp_path / "picture.png", channels=channels)
    assert torch.equal(levels, _through_floats(tmp_path / "picture.png", channels))


@pytest.mark.parametrize(
    "total, count, expected", [(5, 3, [0, 2, 4]), (3, 9, [0, 1, 2]), (4, None, [0, 1, 2, 3]), (7, 1, [0])]
)
def test_evenly_spread(total: int, count: int | None, expected: list[int]) -> None:
    assert evenly_spread(total, count) == expected
