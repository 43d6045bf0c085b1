"""Profiles survive reading and writing, in every kind of file that can hold them, as Pillow and tifffile see it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageCms

from mdfloss.colour_profiles import read_profile
from mdfloss.images import Picture, read_picture, write_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY = SRGB[:16] + b"GRAY" + SRGB[20:]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("suffix", "depth"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8)])
def test_round_trip(tmp_path: Path, suffix: str, depth: int, channels: int) -> None:
    profile, path = SRGB if channels == 3 else GRAY, tmp_path / f"a{suffix}"
    write_picture(path, Picture(torch.full((1, channels, 9, 7), 0.5), None, depth, profile))  # type: ignore[arg-type]
    back = read_picture(path)
    assert back.profile == profile
    torch.testing.assert_close(back.image, torch.full((1, channels, 9, 7), 0.5), atol=0.003, rtol=0)
    write_picture(path, Picture(back.image, None, back.bit_depth), force=True)
    assert read_picture(path).profile is None


def test_other_programs_see_it(tmp_path: Path) -> None:
    image = torch.rand(1, 3, 9, 7)
    for suffix in (".png", ".webp"):
        write_picture(tmp_path / f"a{suffix}", Picture(image, profile=SRGB))
        with Image.open(tmp_path / f"a{suffix}") as reread:
            assert reread.info["icc_profile"] == SRGB
    write_picture(tmp_path / "a16.png", Picture(image, bit_depth=16, profile=SRGB))
    with Image.open(tmp_path / "a16.png") as reread:
        assert reread.info["icc_profile"] == SRGB
        reread.load()  # checks the chunks
    write_picture(tmp_path / "a.tif", Picture(image, bit_depth=16, profile=SRGB))
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].aspage().iccprofile == SRGB


def test_a_profile_for_other_colours_is_left_out(tmp_path: Path) -> None:
    cmyk = SRGB[:16] + b"CMYK" + SRGB[20:]
    Image.new("CMYK", (8, 8)).save(tmp_path / "a.jpg", icc_profile=cmyk)
    assert read_picture(tmp_path / "a.jpg").profile is None
    write_picture(tmp_path / "a.png", Picture(torch.zeros(1, 3, 8, 8), profile=SRGB))
    assert read_profile(tmp_path / "a.png", colours=1) is None
    samples = np.zeros((8, 8, 3), np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", iccprofile=b"short")
    assert read_picture(tmp_path / "a.tif").profile is None
