"""Pictures as tensors: reading, writing, finding them, and the one contract that losses and metrics check.

A picture is N×C×H×W, float32, in [0, 1]; C is 3 (RGB) or 1 (gray).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .colour_profiles import read_profile
from .files import files_below
from .image_files import IMAGE_SUFFIXES, ImageFileError, Samples, decode, encode
from .sizes import size_text

__all__ = [
    "IMAGE_SUFFIXES",
    "LUMA",
    "ImageFileError",
    "Picture",
    "check_images",
    "find_images",
    "named_images",
    "picture_name",
    "read_image",
    "read_picture",
    "write_image",
    "write_picture",
]

RANGE_TOLERANCE = 1e-3
"""How far a target may stick out of its range, as a part of `data_range`: what half floats round."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luma of BT.601."""
_BIT_DEPTHS = (8, 16)


@dataclass(frozen=True)
class Picture:
    """One picture with all that is kept when it is restored and written again.

    Args:
        image: (1, C, H, W) float32 in [0, 1]; C is 1 or 3, as in the file.
        alpha: (1, 1, H, W) float32 in [0, 1], or None where the file has no transparency.
        bit_depth: Bits of a sample in the file, 8 or 16.
        profile: ICC profile of the file, or None.
    """

    image: Tensor
    alpha: Tensor | None = None
    bit_depth: Literal[8, 16] = 8
    profile: bytes | None = None

    def __post_init__(self) -> None:
        image, alpha = self.image, self.alpha
        if image.ndim != 4 or image.shape[0] != 1 or image.shape[1] not in (1, 3):
            raise ValueError(f"image must be 1×C×H×W with C = 1 or 3, got shape {tuple(image.shape)}")
        if not image.is_floating_point():
            raise TypeError(f"image must be floating point in [0, 1], got {image.dtype}: divide 8-bit values by 255")
        if alpha is not None and alpha.shape != (1, 1, *image.shape[2:]):
            raise ValueError(f"alpha must be {(1, 1, *image.shape[2:])} like its image, got {tuple(alpha.shape)}")
        if self.bit_depth not in _BIT_DEPTHS:
            raise ValueError(f"bit_depth must be one of {_BIT_DEPTHS}, got {self.bit_depth!r}")


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """Read a picture as it is: gray stays gray; alpha, bit depth and colour profile are kept.

    Args:
        path: PNG, JPEG, TIFF, WebP or BMP, 8 or 16 bit. EXIF rotation is applied, palettes are expanded.

    Raises:
        FileNotFoundError: There is no such file.
        ImageFileError: The file is damaged, or of a kind that is not supported; the message names the mend.
    """
    samples = decode(path)
    planes = torch.from_numpy(samples.astype(np.float32).transpose(2, 0, 1).copy())
    planes = planes.div_(np.iinfo(samples.dtype).max)[None]
    has_alpha = planes.shape[1] in (2, 4)
    image = planes[:, :-1] if has_alpha else planes
    return Picture(
        image=image,
        alpha=planes[:, -1:] if has_alpha else None,
        bit_depth=16 if samples.dtype == np.uint16 else 8,
        profile=read_profile(path, colours=3 if image.shape[1] == 3 else 1),
    )


def read_image(path: str | os.PathLike[str], *, channels: int | None = 3) -> Tensor:
    """Read a picture as a tensor; its alpha is dropped.

    Args:
        path: As for `read_picture`.
        channels: 3 repeats gray into RGB; 1 takes the luma of RGB (ITU-R BT.601, full range); None keeps the
            file's own.

    Returns:
        (1, C, H, W) float32 in [0, 1].

    Raises:
        FileNotFoundError: There is no such file.
        ImageFileError: As for `read_picture`.
        ValueError: `channels` is not 1, 3 or None.
    """
    if channels not in (1, 3, None):
        raise ValueError(f"channels must be 1, 3 or None, got {channels!r}")
    image = read_picture(path).image
    if channels is None or image.shape[1] == channels:
        return image.contiguous()
    if channels == 3:
        return image.repeat(1, 3, 1, 1)
    luma: Tensor = (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return luma


def write_picture(path: str | os.PathLike[str], picture: Picture, *, force: bool = False) -> None:
    """Write a picture; the suffix of `path` chooses the kind of file.

    Values are clipped to [0, 1] and rounded to the nearest level. PNG and TIFF keep 8 and 16 bit exactly, BMP
    and WebP (lossless) 8 bit; JPEG is written at quality 95 without chroma subsampling.

    Args:
        path: File to write; it appears whole or not at all.
        picture: What to write.
        force: Replace an existing file.

    Raises:
        FileExistsError: `path` exists and `force` is False.
        ImageFileError: The suffix is unknown, or that kind of file cannot hold 16 bit, alpha or this size.
        ValueError: The picture holds values that are not finite.
    """
    planes = picture.image if picture.alpha is None else torch.cat([picture.image, picture.alpha], 1)
    encode(path, _samples(planes.detach(), picture.bit_depth), profile=picture.profile, force=force)


def write_image(
    path: str | os.PathLike[str], image: Tensor, *, bit_depth: Literal[8, 16] = 8, force: bool = False
) -> None:
    """Write a tensor as a picture.

    Args:
        path: As for `write_picture`.
        image: (1, C, H, W) float in [0, 1], C = 1 or 3; values outside are clipped.
        bit_depth: 8 or 16.
        force: Replace an existing file.

    Raises:
        FileExistsError: `path` exists and `force` is False.
        ImageFileError: As for `write_picture`.
        ValueError: Wrong shape, or values that are not finite.
    """
    write_picture(path, Picture(image, bit_depth=bit_depth), force=force)


def _samples(planes: Tensor, bit_depth: int) -> Samples:
    """(1, C, H, W) in [0, 1] → (H, W, C) of unsigned integers, rounded."""
    if not torch.isfinite(planes).all():
        raise ValueError("the picture holds NaN or infinite values: look at the network that made it")
    levels = planes[0].float().cpu().clamp(0, 1).mul_(2**bit_depth - 1).round_().permute(1, 2, 0).numpy()
    samples: Samples = levels.astype(np.uint8 if bit_depth == 8 else np.uint16)
    return samples


def find_images(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[Path]:
    """List the pictures that files and folders stand for.

    Args:
        paths: Files (kept in the given order) and folders (searched to any depth, sorted by path). Inside
            folders, what is hidden or has no image suffix is passed over; a link to nothing is listed, so that
            whoever reads it can say so.

    Returns:
        The files, each once.

    Raises:
        FileNotFoundError: A path does not exist.
        ImageFileError: A named file has no image suffix, or a folder holds no picture.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(dict.fromkeys(_pictures_at(path)))
    return list(found)


def _pictures_at(path: Path) -> list[Path]:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    suffixes = ", ".join(IMAGE_SUFFIXES)
    if path.is_file():
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            raise ImageFileError(f"{path}: unknown suffix '{path.suffix}', expected one of {suffixes}")
        return [path]
    pictures = sorted(
        file
        for file in files_below(path)
        if file.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and (file.is_file() or not file.exists())
    )
    if not pictures:
        raise ImageFileError(f"{path} holds no pictures: files with one of the suffixes {suffixes} are looked for")
    return pictures


def picture_name(path: Path, folder: Path) -> str:
    """What a picture is called: its path below a folder, without suffix.

    Args:
        path: The file.
        folder: Where it was found.
    """
    return path.relative_to(folder).with_suffix("").as_posix()


def named_images(folder: Path) -> dict[str, Path]:
    """The pictures of a folder by name, in the order of their paths.

    Args:
        folder: A folder.

    Raises:
        FileNotFoundError: It does not exist.
        ImageFileError: It holds no picture, or two of one name.
    """
    named: dict[str, Path] = {}
    for path in find_images(folder):
        other = named.setdefault(picture_name(path, folder), path)
        if other != path:
            raise ImageFileError(f"{other} and {path} have one name: pictures are named without suffix, rename one")
    return named


def check_images(pred: Tensor, target: Tensor, *, data_range: float = 1.0, min_size: int = 1) -> None:
    """Check the contract of every loss and metric: two batches of images that can be compared.

    The prediction may stick out of the range, the target may not. On CUDA the values are checked without
    waiting for the device, so that the error comes from a later operation; under `torch.compile` only shapes
    and types are checked.

    Args:
        pred: (N, C, H, W), floating point, C = 1 or 3; finite.
        target: The same shape, on the same device; finite, in [0, data_range] within 1e-3 of the range.
        data_range: The value of white.
        min_size: Smallest height and width, px.

    Raises:
        TypeError: Not floating-point tensors.
        ValueError: Shapes, sizes, devices or values break the contract; the message says what was seen.
    """
    for name, image in (("pred", pred), ("target", target)):
        if not isinstance(image, Tensor):
            raise TypeError(f"{name} must be a tensor, got {type(image).__name__}")
        if not image.is_floating_point():
            raise TypeError(f"{name} must be floating point, got {image.dtype}: divide 8-bit values by 255")
    if pred.shape != target.shape:
        raise ValueError(f"pred and target must have one shape, got {tuple(pred.shape)} and {tuple(target.shape)}")
    if pred.device != target.device:
        raise ValueError(f"pred and target must be on one device, got {pred.device} and {target.device}")
    if pred.ndim != 4 or pred.shape[1] not in (1, 3) or pred.shape[0] == 0:
        raise ValueError(f"images must be N×C×H×W with N ≥ 1 and C = 1 or 3, got shape {tuple(pred.shape)}")
    if min(pred.shape[2:]) < min_size:
        seen = size_text(pred.shape)
        raise ValueError(f"images must be at least {min_size} px a side, got {seen}: use larger images or patches")
    if not torch.compiler.is_compiling():
        _check_values(pred.detach(), target.detach(), data_range)


def _check_values(pred: Tensor, target: Tensor, data_range: float) -> None:
    # Minimum and maximum carry NaN and infinity along, and unlike a sum they cannot overflow.
    pred_low, pred_high = torch.aminmax(pred)
    low, high = torch.aminmax(target)
    slack = RANGE_TOLERANCE * data_range
    if pred.device.type == "cuda":
        in_range = (low >= -slack) & (high <= data_range + slack)
        torch._assert_async(in_range, f"target must be finite and within [0, {data_range:g}]")
        torch._assert_async(torch.isfinite(pred_low) & torch.isfinite(pred_high), "pred must be finite")
        return
    if not (torch.isfinite(pred_low) and torch.isfinite(pred_high)):
        raise ValueError("pred holds NaN or infinite values: lower the learning rate, or look at the network's input")
    if not (torch.isfinite(low) and torch.isfinite(high)):
        raise ValueError("target holds NaN or infinite values: look at the file it was read from")
    if float(low) < -slack or float(high) > data_range + slack:
        raise ValueError(
            f"target must be within [0, {data_range:g}], got [{float(low):.4g}, {float(high):.4g}]: "
            "scale the images, or give the data_range that they have"
        )
