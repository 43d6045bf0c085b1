"""Opening files with Pillow, without the warnings that it has for large ones."""

from __future__ import annotations

import os
import threading
import warnings

from PIL import Image

__all__ = ["open_image"]

_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_OPENING = threading.Lock()
"""Warnings' filters are the process's: threads that set and restore them side by side would leave some behind."""


def open_image(path: str | os.PathLike[str], *, formats: tuple[str, ...] = _FORMATS) -> Image.Image:
    """Open a picture; its pixels are not decoded yet.

    Args:
        path: The file.
        formats: Kinds of file that are looked for.

    Raises:
        PIL.UnidentifiedImageError: It is none of them.
        PIL.Image.DecompressionBombError: It is larger than Pillow allows.
    """
    with _OPENING, warnings.catch_warnings():
        # Pillow warns from half its limit on; pictures of 90 to 178 megapixels are daily bread here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(path, formats=formats)
