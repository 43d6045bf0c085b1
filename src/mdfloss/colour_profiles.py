"""ICC profiles: which colours the samples of a file mean; they are carried from the file read to the file written."""

from __future__ import annotations

import os
import struct
import zlib
from typing import Literal

from PIL import UnidentifiedImageError

from .pillow_files import open_image

__all__ = ["png_with_profile", "read_profile"]

_SPACES: dict[int, bytes] = {1: b"GRAY", 3: b"RGB "}
"""Colours of a picture → what bytes 16 to 19 of a profile for them say (ICC.1, section 7.2.6)."""
_AFTER_HEADER = 33
"""Where the second chunk of a PNG begins: after the signature and the header."""


def read_profile(path: str | os.PathLike[str], *, colours: Literal[1, 3]) -> bytes | None:
    """The ICC profile of a picture.

    Args:
        path: A file that `decode` has read.
        colours: How many colours it was read with: a profile for others, as of a CMYK file, is left out.

    Returns:
        The profile, or None where there is none.
    """
    try:
        with open_image(path) as image:
            profile = image.info.get("icc_profile")
    except UnidentifiedImageError:  # a TIFF of a kind that Pillow does not read
        import tifffile

        with tifffile.TiffFile(path) as file:
            profile = file.pages[0].aspage().iccprofile
    return profile if profile and profile[16:20] == _SPACES[colours] else None


def png_with_profile(png: bytes, profile: bytes) -> bytes:
    """A PNG file with an iCCP chunk behind its header.

    Args:
        png: The file without a profile.
        profile: The profile.
    """
    chunk = b"iCCP" + b"ICC Profile\0\0" + zlib.compress(profile)
    size, checksum = struct.pack(">I", len(chunk) - 4), struct.pack(">I", zlib.crc32(chunk))
    return png[:_AFTER_HEADER] + size + chunk + checksum + png[_AFTER_HEADER:]
