"""Pictures as tensors, and the contract of losses and metrics."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from mdfloss.images import (
    ImageFileError,
    Picture,
    check_images,
    find_images,
    named_images,
    read_image,
    read_picture,
    write_image,
    write_picture,
)


def _levels(channels: int, depth: int, generator: torch.Generator) -> Tensor:
    most = 2**depth - 1
    return torch.randint(0, most + 1, (1, channels, 13, 17), generator=generator) / most


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("has_alpha", [False, True])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_picture_round_trip(
    tmp_path: Path, generator: torch.Generator, suffix: str, has_alpha: bool, depth: int, channels: int
) -> None:
    alpha = _levels(1, depth, generator) if has_alpha else None
    picture = Picture(_levels(channels, depth, generator), alpha, depth)  # type: ignore[arg-type]
    write_picture(tmp_path / f"a{suffix}", picture)
    back = read_picture(tmp_path / f"a{suffix}")
    assert torch.equal(back.image, picture.image)
    assert back.bit_depth == depth
    assert back.image.dtype == torch.float32
    if alpha is None:
        assert back.alpha is None
    else:
        assert back.alpha is not None
        assert torch.equal(back.alpha, alpha)


def test_values_are_rounded_and_clipped(tmp_path: Path) -> None:
    image = torch.tensor([-0.3, 0.0, 0.4999 / 255, 0.5001 / 255, 99.6 / 255, 1.7]).view(1, 1, 1, 6)
    write_image(tmp_path / "a.png", image)
    assert np.asarray(Image.open(tmp_path / "a.png")).tolist() == [[0, 0, 0, 1, 100, 255]]


def test_channels(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    Image.fromarray(colour[:, :, 0]).save(tmp_path / "gray.png")
    assert read_image(tmp_path / "gray.png", channels=None).shape == (1, 1, 9, 11)
    tripled = read_image(tmp_path / "gray.png")
    assert torch.equal(tripled[:, 0], tripled[:, 2])
    luma = read_image(tmp_path / "colour.png", channels=1)
    expected = np.asarray(Image.open(tmp_path / "colour.png").convert("L"), np.float32)
    np.testing.assert_allclose(luma[0, 0].numpy() * 255, expected, atol=0.51)
    with pytest.raises(ValueError, match="channels must be 1, 3 or None, got 4"):
        read_image(tmp_path / "gray.png", channels=4)  # type: ignore[arg-type]


def test_photograph_reads_as_pillow_reads_it(data_dir: Path) -> None:
    path = find_images(data_dir / "bsds500" / "test")[0]
    expected = np.asarray(Image.open(path).convert("RGB"), np.float32) / 255
    np.testing.assert_array_equal(read_image(path)[0].permute(1, 2, 0).numpy(), expected)


def test_picture_says_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"image must be 1×C×H×W with C = 1 or 3, got shape \(2, 3, 4, 4\)"):
        Picture(torch.zeros(2, 3, 4, 4))
    with pytest.raises(TypeError, match=r"floating point in \[0, 1\], got torch.uint8: divide 8-bit values by 255"):
        Picture(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"alpha must be \(1, 1, 4, 4\) like its image, got \(1, 1, 4, 5\)"):
        Picture(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 5))
    with pytest.raises(ValueError, match=r"bit_depth must be one of \(8, 16\), got 12"):
        Picture(torch.zeros(1, 3, 4, 4), bit_depth=12)  # type: ignore[arg-type]


def test_nan_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the picture holds NaN or infinite values"):
        write_image(tmp_path / "a.png", torch.full((1, 3, 4, 4), torch.nan))
    assert list(tmp_path.iterdir()) == []


def test_find_images(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpg", "sub/c.tif", ".hidden/d.png", ".e.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    names = [str(path.relative_to(tmp_path)) for path in find_images(tmp_path)]
    assert names == ["a.jpg", "b.PNG", "sub/c.tif"]
    twice = find_images([tmp_path / "b.PNG", tmp_path])
    assert [path.name for path in twice] == ["b.PNG", "a.jpg", "c.tif"]
    with pytest.raises(FileNotFoundError, match="none: no such file or folder"):
        find_images(tmp_path / "none")
    with pytest.raises(ImageFileError, match=r"notes\.txt: unknown suffix '\.txt', expected one of \.png"):
        find_images([tmp_path / "notes.txt"])
    (tmp_path / "void").mkdir()
    with pytest.raises(ImageFileError, match="void holds no pictures: files with one of the suffixes"):
        find_images(tmp_path / "void")


def test_pictures_are_named_by_their_place(tmp_path: Path) -> None:
    for name in ("b.png", "a.x.jpg", "sub/b.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    named = named_images(tmp_path)
    assert list(named) == ["a.x", "b", "sub/b"]
    assert named["sub/b"] == tmp_path / "sub" / "b.tif"
    (tmp_path / "b.webp").touch()
    with pytest.raises(ImageFileError, match=r"b\.png and .*b\.webp have one name: pictures are named without suffix"):
        named_images(tmp_path)


def test_hidden_parents_of_a_named_folder_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "a.png").touch()
    assert len(find_images(tmp_path / ".cache")) == 1


def test_contract_accepts(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    check_images(pred, target)
    check_images(pred[:, :1], target[:, :1], min_size=31)
    check_images(255 * pred, 255 * target, data_range=255)
    check_images(pred * 50 - 20, target + 0.0009)
    check_images(pred.bfloat16(), target)
    check_images(pred.half() * 3e4, target.half())
    check_images(pred.requires_grad_(), target)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, t: (p[:1], t), "pred and target must have one shape, got (1, 3, 37, 31) and (2, 3, 37, 31)"),
        (lambda p, t: (p[0], t[0]), "images must be N×C×H×W with N ≥ 1 and C = 1 or 3, got shape (3, 37, 31)"),
        (lambda p, t: (p[:, :2], t[:, :2]), "got shape (2, 2, 37, 31)"),
        (lambda p, t: (p[:0], t[:0]), "got shape (0, 3, 37, 31)"),
        (lambda p, t: (p[..., :9], t[..., :9]), "images must be at least 11 px a side, got 37×9"),
        (lambda p, t: (p, t.to("meta")), "must be on one device, got cpu and meta"),
        (lambda p, t: (p / 0, t), "pred holds NaN or infinite values"),
        (lambda p, t: (p, t * torch.nan), "target holds NaN or infinite values"),
        (lambda p, t: (p, 255 * t), "target must be within [0, 1], got [0.0"),
        (lambda p, t: (p, 2 * t - 1), "scale the images, or give the data_range that they have"),
        (lambda p, t: (p, t + 0.01), "target must be within [0, 1], got ["),
    ],
)
def test_contract_refuses(pair: tuple[Tensor, Tensor], change, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=re.escape(message)):
        check_images(*change(*pair), min_size=11)


def test_contract_refuses_types(pair: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(TypeError, match="target must be a tensor, got ndarray"):
        check_images(pair[0], pair[1].numpy())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"pred must be floating point, got torch\.uint8: divide 8-bit values by 255"):
        check_images((255 * pair[1]).byte(), pair[1])


def test_contract_compiles_to_one_graph(pair: tuple[Tensor, Tensor]) -> None:
    def checked(pred: Tensor, target: Tensor) -> Tensor:
        check_images(pred, target, min_size=11)
        return (pred - target).square().mean()

    compiled = torch.compile(checked, fullgraph=True, backend="eager")
    assert torch.equal(compiled(*pair), checked(*pair))


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_contract_on_cuda_does_not_wait(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = (image.cuda() for image in pair)
    torch.cuda.set_sync_debug_mode("error")
    try:
        check_images(pred, target)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_linked_folders_are_searched_and_links_back_are_not(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "mix"
    for place in (elsewhere, folder):
        place.mkdir()
        write_image(place / "a.png", torch.rand(1, 3, 8, 8))
    (folder / "more").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(folder)
    assert find_images(folder) == [folder / "a.png", folder / "more" / "a.png"]
