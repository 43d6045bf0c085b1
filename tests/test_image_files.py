"""Files of every kind against Pillow, imagecodecs and tifffile; bad files against clear errors."""

from __future__ import annotations

import contextlib
import io
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mdfloss.image_files import IMAGE_SUFFIXES, ImageFileError, decode, encode

RNG = np.random.default_rng(0)
SHAPES = [(13, 17, 1), (13, 17, 2), (13, 17, 3), (13, 17, 4)]


def _samples(shape: tuple[int, ...], dtype: Any = np.uint8) -> NDArray[Any]:
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def _smooth(height: int = 40, width: int = 56) -> Image.Image:
    """A colour picture that JPEG keeps well."""
    small = Image.fromarray(_samples((5, 7, 3)))
    return small.resize((width, height), Image.Resampling.BICUBIC)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_png_and_tiff_keep_every_sample(tmp_path: Path, suffix: str, dtype: Any, shape: tuple[int, ...]) -> None:
    samples = _samples(shape, dtype)
    encode(tmp_path / f"a{suffix}", samples)
    back = decode(tmp_path / f"a{suffix}")
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, samples)


@pytest.mark.parametrize(("suffix", "channels"), [(".bmp", 1), (".bmp", 3), (".webp", 3), (".webp", 4)])
def test_bmp_and_webp_keep_8_bit(tmp_path: Path, suffix: str, channels: int) -> None:
    samples = _samples((9, 7, channels))
    encode(tmp_path / f"a{suffix}", samples)
    np.testing.assert_array_equal(decode(tmp_path / f"a{suffix}"), samples)


def test_jpeg_is_written_at_quality_95(tmp_path: Path) -> None:
    picture = _smooth()
    encode(tmp_path / "a.jpg", np.asarray(picture))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, subsampling=0)
    np.testing.assert_array_equal(decode(tmp_path / "a.jpg"), np.asarray(Image.open(buffer)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_exif_orientation_as_pillow_applies_it(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[274] = orientation
    _smooth().save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(decode(path), expected)


def test_exif_orientation_of_16_bit_png_and_tiff(tmp_path: Path) -> None:
    samples = _samples((4, 6, 3), np.uint16)
    exif = Image.Exif()
    exif[274] = 6
    chunk = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    png = imagecodecs.png_encode(samples)
    (tmp_path / "a.png").write_bytes(png[:33] + chunk + png[33:])
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extratags=[(274, 3, 1, 6, True)])
    for name in ("a.png", "a.tif"):
        np.testing.assert_array_equal(decode(tmp_path / name), np.rot90(samples, -1))


def test_unreadable_exif_leaves_the_picture_as_it_is(tmp_path: Path) -> None:
    picture = _smooth()
    picture.save(tmp_path / "a.png", exif=b"Exif\0\0nonsense")
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), np.asarray(picture))


def test_palettes_and_one_bit_are_expanded(tmp_path: Path) -> None:
    picture = _smooth().quantize(16)
    for name in ("a.png", "a.bmp", "a.tif"):
        picture.save(tmp_path / name)
        np.testing.assert_array_equal(decode(tmp_path / name), np.asarray(picture.convert("RGB")))
    lines = _smooth().convert("1")
    for name in ("b.png", "b.bmp", "b.tif"):
        lines.save(tmp_path / name)
        np.testing.assert_array_equal(decode(tmp_path / name)[:, :, 0], np.asarray(lines.convert("L")))


def test_transparency_of_palette_gray_and_colour(tmp_path: Path) -> None:
    palette = _smooth().quantize(16)
    palette.save(tmp_path / "p.png", transparency=3)
    expected = np.where(np.asarray(palette) == 3, 0, 255)
    np.testing.assert_array_equal(decode(tmp_path / "p.png")[:, :, 3], expected)
    gray = _smooth().convert("L")
    key = int(np.asarray(gray)[0, 0])
    gray.save(tmp_path / "l.png", transparency=key)
    back = decode(tmp_path / "l.png")
    assert back.shape[2] == 2
    np.testing.assert_array_equal(back[:, :, 1], np.where(np.asarray(gray) == key, 0, 255))
    colour = _smooth()
    colour.save(tmp_path / "c.png", transparency=colour.getpixel((0, 0)))
    assert decode(tmp_path / "c.png")[0, 0, 3] == 0


def test_cmyk_jpeg_becomes_rgb(tmp_path: Path) -> None:
    _smooth().convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "CMYK"
        np.testing.assert_array_equal(decode(tmp_path / "a.jpg"), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_compressions(tmp_path: Path, dtype: Any, compression: str | None) -> None:
    samples = _samples((33, 21, 3), dtype)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", compression=compression)
    np.testing.assert_array_equal(decode(tmp_path / "a.tif"), samples)


def test_tiff_layouts(tmp_path: Path) -> None:
    samples = _samples((33, 21, 3), np.uint16)
    planes = np.moveaxis(samples, -1, 0).copy()
    tifffile.imwrite(tmp_path / "planes.tif", planes, photometric="rgb", planarconfig="separate")
    tifffile.imwrite(tmp_path / "tiles.tif", samples, photometric="rgb", tile=(16, 16), byteorder=">", bigtiff=True)
    for name in ("planes.tif", "tiles.tif"):
        np.testing.assert_array_equal(decode(tmp_path / name), samples)
    tifffile.imwrite(tmp_path / "white.tif", samples[:, :, 0], photometric="miniswhite")
    np.testing.assert_array_equal(decode(tmp_path / "white.tif")[:, :, 0], 65535 - samples[:, :, 0])


def test_alpha_of_16_bit_tiff(tmp_path: Path) -> None:
    straight, path = _samples((33, 21, 4), np.uint16), tmp_path / "a.tif"
    straight[:5, :, 3], straight[5:9, :, 3] = 0, 65535
    alpha = straight[:, :, 3:]
    with_rest = np.concatenate([straight[:, :, :3], _samples((33, 21, 1), np.uint16), alpha], 2)
    tifffile.imwrite(path, with_rest, photometric="rgb", extrasamples=["unspecified", "unassalpha"])
    np.testing.assert_array_equal(decode(path), straight)
    multiplied = np.rint(straight[:, :, :3] * (alpha / 65535)).astype(np.uint16)
    tifffile.imwrite(path, np.concatenate([multiplied, alpha], 2), photometric="rgb", extrasamples=["assocalpha"])
    found = decode(path).astype(np.int64)
    np.testing.assert_array_equal(found[:, :, 3:], alpha)
    assert (found[:5, :, :3] == 0).all()
    off = np.abs(found[5:, :, :3] - straight[5:, :, :3])
    assert (off <= 1 + 32768 // np.maximum(alpha[5:], 1).astype(np.int64)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_volumes_are_refused(tmp_path: Path, dtype: Any) -> None:
    tifffile.imwrite(tmp_path / "a.tif", _samples((16, 32, 32), dtype), volumetric=True, tile=(16, 16, 16))
    with pytest.raises(ImageFileError, match=r"a\.tif is a volume of 16 planes: save the plane you want"):
        decode(tmp_path / "a.tif")


def test_tiff_with_a_thumbnail_is_one_picture(tmp_path: Path) -> None:
    thumbnail, full = _samples((4, 5, 3)), _samples((20, 25, 3))
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(thumbnail, photometric="rgb", subfiletype=1, metadata=None)
        file.write(full, photometric="rgb", metadata=None)
    np.testing.assert_array_equal(decode(tmp_path / "a.tif"), full)


def test_contents_win_over_the_suffix(tmp_path: Path) -> None:
    samples = _samples((5, 6, 3), np.uint16)
    encode(tmp_path / "a.png", samples)
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    np.testing.assert_array_equal(decode(tmp_path / "a.jpg"), samples)


def test_kinds_that_are_refused_say_what_they_hold(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "float.tif", np.zeros((4, 4), np.float32))
    with pytest.raises(ImageFileError, match=r"float\.tif holds 32 bit float32 MINISBLACK samples: save it as 8 or 16"):
        decode(tmp_path / "float.tif")
    tifffile.imwrite(tmp_path / "pages.tif", np.zeros((3, 4, 4), np.uint8), photometric="minisblack")
    with pytest.raises(ImageFileError, match=r"pages\.tif holds 3 pages: save the page you want"):
        decode(tmp_path / "pages.tif")
    frames = [_smooth(), _smooth()]
    for name in ("moves.webp", "moves.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        with pytest.raises(ImageFileError, match=r"is an animation of 2 frames: save the frame you want"):
            decode(tmp_path / name)


def _damaged(folder: Path) -> list[tuple[Path, bytes]]:
    picture, deep = _smooth(200, 300), _samples((64, 64, 3), np.uint16)
    for suffix in IMAGE_SUFFIXES:
        picture.save(folder / f"a{suffix}")
    encode(folder / "deep.png", deep)
    encode(folder / "deep.tif", deep)
    tifffile.imwrite(folder / "plain.tif", deep, photometric="rgb")
    return [(path, path.read_bytes()) for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("part", [0.03, 0.5, 0.97])
def test_every_kind_cut_short_is_a_clear_error(tmp_path: Path, part: float) -> None:
    for path, content in _damaged(tmp_path):
        path.write_bytes(content[: int(len(content) * part)])
        with pytest.raises(ImageFileError, match=f"{path.name} (is damaged|is not an image|is cut)"):
            decode(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_flipped_bytes_raise_nothing_else(tmp_path: Path) -> None:
    """A damaged file may still decode; where it does not, the error is ours."""
    for path, content in _damaged(tmp_path):
        for _ in range(25):
            damaged = bytearray(content)
            for place in RNG.integers(0, min(len(content), 400), 3):
                damaged[place] ^= int(RNG.integers(1, 256))
            path.write_bytes(damaged)
            with contextlib.suppress(ImageFileError):
                decode(path)


def test_what_is_no_image_file(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("I am no picture")
    with pytest.raises(ImageFileError, match=r"text\.png is not an image: it begins with b'I am no "):
        decode(tmp_path / "text.png")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ImageFileError, match=r"empty\.jpg is empty \(0 bytes\)"):
        decode(tmp_path / "empty.jpg")
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    with pytest.raises(ImageFileError, match=r"unknown suffix '\.gif', expected one of \.png"):
        decode(tmp_path / "a.gif")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageFileError, match="is a folder: name a file"):
        decode(tmp_path / "folder.png")
    with pytest.raises(FileNotFoundError, match=r"none\.png: no such file"):
        decode(tmp_path / "none.png")


def _png_header(width: int, height: int, depth: int) -> bytes:
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, 2, 0, 0, 0])
    data = b"IDAT" + zlib.compress(b"\0")
    chunks = [header, data, b"IEND"]
    framed = [(len(c) - 4).to_bytes(4, "big") + c + zlib.crc32(c).to_bytes(4, "big") for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize("depth", [8, 16])
def test_decompression_bombs_are_refused_before_they_are_decoded(tmp_path: Path, depth: int) -> None:
    (tmp_path / "bomb.png").write_bytes(_png_header(100_000, 100_000, depth))
    with pytest.raises(
        ImageFileError, match=r"bomb\.png: .*[Cc]ut it into tiles, or raise PIL\.Image\.MAX_IMAGE_PIXELS"
    ):
        decode(tmp_path / "bomb.png")


def test_a_bomb_of_16_bit_is_named_by_height_and_width(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(_png_header(100_000, 90_000, 16))
    with pytest.raises(ImageFileError, match="90000×100000 px is over the limit of"):
        decode(tmp_path / "bomb.png")


def test_a_hundred_megapixels_are_no_bomb(tmp_path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(tmp_path / "big.png")
    assert decode(tmp_path / "big.png").shape == (10_000, 10_000, 1)


def test_writing_refuses_what_a_kind_cannot_hold(tmp_path: Path) -> None:
    deep, with_alpha = _samples((4, 4, 3), np.uint16), _samples((4, 4, 4))
    for suffix in (".jpg", ".webp", ".bmp"):
        with pytest.raises(ImageFileError, match=rf"{suffix} holds 8 bit only: write \.png or \.tif"):
            encode(tmp_path / f"a{suffix}", deep)
    for suffix in (".jpeg", ".bmp"):
        with pytest.raises(ImageFileError, match=rf"{suffix} holds no alpha: write \.png, \.tif or \.webp"):
            encode(tmp_path / f"a{suffix}", with_alpha)
    with pytest.raises(ImageFileError, match=r"unknown suffix '\.gif', choose one of"):
        encode(tmp_path / "a.gif", with_alpha)
    with pytest.raises(ImageFileError, match=r"1×20000 px cannot be written as \.webp .*write \.png or \.tif"):
        encode(tmp_path / "a.webp", np.zeros((1, 20_000, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_writing_never_replaces_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.png"
    first, second = _samples((4, 4, 3)), _samples((4, 4, 3))
    encode(path, first)
    with pytest.raises(FileExistsError, match="pass --force"):
        encode(path, second)
    np.testing.assert_array_equal(decode(path), first)
    encode(path, second, force=True)
    np.testing.assert_array_equal(decode(path), second)
    assert [file.name for file in path.parent.iterdir()] == ["a.png"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("bands", [2, 3, 4, 8])
def test_bands_that_are_no_picture_are_refused(tmp_path: Path, bands: int, dtype: type) -> None:
    samples = np.zeros((12, 10, bands), dtype)
    tifffile.imwrite(tmp_path / "bands.tif", samples, photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageFileError, match=f"holds {bands} bands"):
        decode(tmp_path / "bands.tif")
