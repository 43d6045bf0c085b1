"""Image files as arrays of samples: which decoder or encoder serves a file, and what is wrong with a bad one.

Pillow reads and writes 8-bit pictures; it reduces 16-bit colour to 8 bit, so 16-bit PNG goes through
imagecodecs and 16-bit TIFF through tifffile. What a file holds is told by its first bytes, never by its name.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .colour_profiles import png_with_profile
from .files import atomic_write
from .pillow_files import open_image
from .sizes import size_text

__all__ = ["IMAGE_SUFFIXES", "ImageFileError", "Samples", "decode", "encode"]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
"""Suffixes of the files that are read and written, in lower case."""

JPEG_QUALITY = 95

Samples = NDArray[Any]
"""(H, W, C) of uint8 or uint16; C is 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha)."""

_EXIF_ORIENTATION = 274
_PREMULTIPLIED, _STRAIGHT = 1, 2
"""Kinds of alpha among a TIFF's extra samples."""
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)


class ImageFileError(ValueError):
    """An image file is damaged, of a kind that is not supported, or cannot hold what it is given."""


def decode(path: str | os.PathLike[str]) -> Samples:
    """Read the samples of a picture, upright.

    Args:
        path: PNG, JPEG, TIFF, WebP or BMP; gray, palette, RGB or CMYK; with or without alpha.

    Returns:
        (H, W, C) of uint8 or uint16; C is 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha). Palettes are
        expanded, the EXIF orientation is applied, CMYK is turned into RGB without colour management.

    Raises:
        FileNotFoundError: There is no such file.
        ImageFileError: The file is a folder, empty, damaged, too large, animated, or of an unsupported kind.
    """
    path = Path(path)
    start = _first_bytes(path)
    try:
        if start.startswith(_PNG_SIGNATURE) and start[24:25] == b"\x10":
            samples = _decode_png16(path, start)
        elif start.startswith(_TIFF_SIGNATURES):
            samples = _decode_tiff(path)
        else:
            samples = _decode_pillow(path)
    except (ImageFileError, FileNotFoundError, PermissionError):
        raise
    except UnidentifiedImageError as error:
        raise ImageFileError(
            f"{path} is not an image: it begins with {start[:8]!r}, which is no PNG, JPEG, TIFF, WebP or BMP"
        ) from error
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"{path}: {_too_large(str(error))}") from error
    except (*_DAMAGE, RuntimeError) as error:
        raise ImageFileError(
            f"{path} is damaged or cut short ({error}): copy the file again from its source"
        ) from error
    contiguous: Samples = np.ascontiguousarray(samples)
    return contiguous


def encode(
    path: str | os.PathLike[str], samples: Samples, *, profile: bytes | None = None, force: bool = False
) -> None:
    """Write samples as the kind of picture that the suffix names.

    PNG, TIFF, WebP and BMP keep the samples exactly; JPEG is written at quality 95.

    Args:
        path: File to write; it appears whole or not at all.
        samples: (H, W, C) of uint8 or uint16, C as `decode` returns it.
        profile: ICC profile to put beside them; BMP has no place for it.
        force: Replace an existing file.

    Raises:
        FileExistsError: `path` exists and `force` is False.
        ImageFileError: The suffix is unknown, or that kind of file cannot hold 16 bit, alpha or this size.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in IMAGE_SUFFIXES:
        raise ImageFileError(f"{path}: unknown suffix '{path.suffix}', choose one of {', '.join(IMAGE_SUFFIXES)}")
    if samples.dtype == np.uint16 and suffix not in (".png", ".tif", ".tiff"):
        raise ImageFileError(f"{path}: {suffix} holds 8 bit only: write .png or .tif, or 8 bit (bit_depth=8 in Python)")
    if samples.shape[2] in (2, 4) and suffix in (".jpg", ".jpeg", ".bmp"):
        raise ImageFileError(f"{path}: {suffix} holds no alpha: write .png, .tif or .webp, or drop the alpha")
    with atomic_write(path, force=force) as partial:
        if suffix in (".tif", ".tiff"):
            _encode_tiff(partial, samples, profile)
        elif samples.dtype == np.uint16:
            import imagecodecs

            written = imagecodecs.png_encode(np.ascontiguousarray(_without_gray_axis(samples)))
            partial.write_bytes(written if profile is None else png_with_profile(bytes(written), profile))
        else:
            _encode_pillow(partial, samples, path, profile)


def _first_bytes(path: Path) -> bytes:
    if path.is_dir():
        raise ImageFileError(f"{path} is a folder: name a file, or list its pictures with find_images")
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise ImageFileError(f"{path}: unknown suffix '{path.suffix}', expected one of {', '.join(IMAGE_SUFFIXES)}")
    with path.open("rb") as file:
        start = file.read(32)
    if not start:
        raise ImageFileError(f"{path} is empty (0 bytes): copy the file again from its source")
    return start


def _too_large(seen: str) -> str:
    return f"{seen}. Cut it into tiles, or raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file"


def _check_size(path: Path, height: int, width: int) -> None:
    """Apply Pillow's guard against decompression bombs to the decoders that have none."""
    if Image.MAX_IMAGE_PIXELS is not None and width * height > 2 * Image.MAX_IMAGE_PIXELS:
        limit = 2 * Image.MAX_IMAGE_PIXELS / 1e6
        raise ImageFileError(
            f"{path}: {_too_large(f'{size_text((height, width))} is over the limit of {limit:.0f} megapixels')}"
        )


def _decode_pillow(path: Path, page: int = 0) -> Samples:
    with open_image(path) as image:
        frames = getattr(image, "n_frames", 1)
        if image.format in ("WEBP", "PNG") and frames > 1:
            raise ImageFileError(f"{path} is an animation of {frames} frames: save the frame you want as a file")
        if page:
            image.seek(page)
        image.load()
        samples = np.asarray(_plain_mode(path, image))
        return _upright(samples.reshape(*samples.shape[:2], -1), _orientation(image))


def _plain_mode(path: Path, image: Image.Image) -> Image.Image:
    """`image` as L, LA, RGB or RGBA."""
    transparent = "transparency" in image.info
    if image.mode in ("1", "L"):
        return image.convert("LA" if transparent else "L")
    if image.mode in ("LA", "RGBA") or (image.mode == "RGB" and not transparent):
        return image
    if image.mode in ("P", "PA", "RGB", "RGBa", "La"):
        has_alpha = transparent or image.mode.upper().endswith("A")
        return image.convert("RGBA" if has_alpha else "RGB")
    if image.mode in ("CMYK", "YCbCr", "RGBX"):
        return image.convert("RGB")
    raise ImageFileError(f"{path} holds samples of mode '{image.mode}': save it as 8 or 16 bit gray or RGB")


def _decode_png16(path: Path, start: bytes) -> Samples:
    import imagecodecs

    width, height = struct.unpack(">II", start[16:24])
    _check_size(path, height, width)
    with open_image(path, formats=("PNG",)) as image:
        # An EXIF chunk after the pixels is not looked for: Pillow would decode the picture to find it.
        orientation = _orientation(image) if "exif" in image.info else 1
    samples: Samples = imagecodecs.png_decode(path.read_bytes())
    return _upright(samples.reshape(*samples.shape[:2], -1), orientation)


def _decode_tiff(path: Path) -> Samples:
    import tifffile

    with tifffile.TiffFile(path) as file:
        pages = [i for i, page in enumerate(file.pages) if not page.aspage().is_reduced]
        if len(pages) != 1:
            raise ImageFileError(f"{path} holds {len(pages)} pages: save the page you want as a file of its own")
        page = file.pages[pages[0]].aspage()
        if page.imagedepth > 1:
            raise ImageFileError(f"{path} is a volume of {page.imagedepth} planes: save the plane you want as a file")
        alphas = sum(kind in (_PREMULTIPLIED, _STRAIGHT) for kind in page.extrasamples or ())
        if page.photometric in (0, 1) and page.samplesperpixel > 1 + alphas:
            raise ImageFileError(f"{path} holds {page.samplesperpixel} bands: save those you want as gray or RGB files")
        _check_size(path, page.imagelength, page.imagewidth)
        if page.bitspersample <= 8 and page.sampleformat == 1:
            return _decode_pillow(path, pages[0])
        return _tiff16_samples(path, page)


def _tiff16_samples(path: Path, page: Any) -> Samples:
    """The samples of one 16-bit page, upright."""
    kind = f"{page.bitspersample} bit {page.dtype} {getattr(page.photometric, 'name', page.photometric)}"
    if page.dtype != np.uint16 or page.bitspersample != 16 or page.photometric not in (0, 1, 2):
        raise ImageFileError(f"{path} holds {kind} samples: save it as 8 or 16 bit unsigned gray or RGB")
    samples = page.asarray()
    if page.planarconfig == 2 and samples.ndim == 3:
        samples = np.moveaxis(samples, 0, -1)
    samples = samples.reshape(page.imagelength, page.imagewidth, -1)
    first_extra = 3 if page.photometric == 2 else 1
    kept = samples[:, :, :first_extra]
    if page.photometric == 0:
        kept = 65535 - kept
    for index, kind in enumerate(page.extrasamples or ()):
        if kind in (_PREMULTIPLIED, _STRAIGHT):
            alpha = samples[:, :, first_extra + index, None]
            kept = np.concatenate([_divided(kept, alpha) if kind == _PREMULTIPLIED else kept, alpha], 2)
            break
    orientation = page.tags.get(_EXIF_ORIENTATION)
    return _upright(kept, 1 if orientation is None else int(orientation.value))


def _divided(colours: Samples, alpha: Samples) -> Samples:
    """16-bit colours that were multiplied by their alpha, as they were before; black where nothing is left of them."""
    wide = alpha.astype(np.uint64)
    before = (colours.astype(np.uint64) * 65535 + wide // 2) // np.maximum(wide, 1)
    return np.where(wide > 0, np.minimum(before, 65535), 0).astype(np.uint16)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) where there is none or it cannot be read."""
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _DAMAGE:
        return 1


def _upright(samples: Samples, orientation: int) -> Samples:
    """Undo an EXIF orientation (1 to 8)."""
    if orientation in (5, 6, 7, 8):
        samples = samples.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    return samples


def _without_gray_axis(samples: Samples) -> Samples:
    """(H, W) for gray, as encoders want it."""
    return samples[:, :, 0] if samples.shape[2] == 1 else samples


def _encode_tiff(path: Path, samples: Samples, profile: bytes | None) -> None:
    import tifffile

    channels = samples.shape[2]
    tifffile.imwrite(
        path,
        _without_gray_axis(samples),
        photometric="rgb" if channels >= 3 else "minisblack",
        planarconfig="contig" if channels > 1 else None,
        extrasamples=["unassalpha"] if channels in (2, 4) else None,
        compression="zlib",
        predictor=True,
        metadata=None,
        iccprofile=profile,
    )


def _encode_pillow(partial: Path, samples: Samples, path: Path, profile: bytes | None) -> None:
    options: dict[str, Any] = {"icc_profile": profile}
    if path.suffix.lower() in (".jpg", ".jpeg"):
        options |= {"quality": JPEG_QUALITY, "subsampling": 0}
    elif path.suffix.lower() == ".webp":
        options |= {"lossless": True, "exact": True}
    try:
        Image.fromarray(_without_gray_axis(samples)).save(partial, **options)
    except (OSError, ValueError) as error:
        raise ImageFileError(
            f"{path}: {size_text(samples.shape[:2])} cannot be written as {path.suffix} ({error}): write .png or .tif"
        ) from error
