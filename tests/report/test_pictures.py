"""Pictures of a page: lossless where they fit, fewer rather than bad ones where they do not."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from mdfloss.report.pictures import Encoding, choose_encoding, close_up, data_uri, load_versions


@pytest.fixture
def scenes(generator: torch.Generator) -> list[dict[str, torch.Tensor]]:
    return [{label: torch.rand(1, 3, 60, 80, generator=generator) for label in ("a", "b")} for _ in range(10)]


def size(scenes: list[dict[str, torch.Tensor]], encoding: Encoding) -> int:
    kept = scenes[: encoding.kept(len(scenes))]
    return sum(len(data_uri(image, encoding.quality)) for scene in kept for image in scene.values())


def test_the_best_quality_that_fits_is_taken(scenes: list[dict[str, torch.Tensor]]) -> None:
    lossless = size(scenes, Encoding(None))
    assert choose_encoding(scenes, max_bytes=lossless * 2) == Encoding(None)
    encoding = choose_encoding(scenes, max_bytes=lossless // 2)
    assert encoding.quality in (95, 90, 80)
    assert size(scenes, encoding) <= lossless // 2 * 1.05
    assert f"WebP of quality {encoding.quality}" in encoding.note(10)


def test_where_none_fits_the_first_pictures_are_kept(scenes: list[dict[str, torch.Tensor]]) -> None:
    limit = size(scenes, Encoding(80)) // 2
    encoding = choose_encoding(scenes, max_bytes=limit)
    assert encoding.quality == 80
    assert encoding.kept(10) in (4, 5)
    assert f"the first {encoding.kept(10)} of 10 are here" in encoding.note(10)
    assert size(scenes, encoding) <= limit * 1.05
    assert choose_encoding(scenes, max_bytes=1).kept(10) == 1, "one picture is always there"


def test_no_pictures_need_no_choice() -> None:
    assert choose_encoding([], max_bytes=0) == Encoding(None)


def test_lossless_is_exact(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 9, 7, generator=generator)
    stored = Image.open(io.BytesIO(base64.b64decode(data_uri(image, None).partition(",")[2])))
    np.testing.assert_array_equal(np.asarray(stored), (image[0] * 255).round().byte().permute(1, 2, 0).numpy())


def test_versions_have_one_size_and_three_channels() -> None:
    assert load_versions("x", {"a": 2 * torch.ones(1, 1, 4, 4)})["a"].tolist() == torch.ones(1, 3, 4, 4).tolist()
    with pytest.raises(ValueError, match=r"versions of picture 'x' differ in size: .*4×5 px.*4×4 px"):
        load_versions("x", {"a": torch.ones(1, 1, 4, 5), "b": torch.ones(1, 1, 4, 4)})


def test_close_up_of_a_small_picture_is_the_picture() -> None:
    image = torch.rand(1, 3, 20, 30)
    assert all(torch.equal(crop, image) for crop in close_up([image, image]))
