"""Pictures inside a page: WebP in data URIs, as good as the page's size allows, and close-ups without loss."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mdfloss.images import read_image
from mdfloss.sizes import size_text

__all__ = ["Encoding", "choose_encoding", "close_up", "data_uri", "load_versions"]

QUALITIES = (None, 95, 90, 80)
"""WebP qualities tried in turn until the pictures fit; None is lossless. Below the last, fewer are shown."""

CLOSE_UP = 96
"""Side of a close-up, in px."""

SAMPLED = 4
"""Pictures that sizes are judged by."""


class Encoding(NamedTuple):
    """How the pictures of a page are kept.

    Attributes:
        quality: Of WebP; None is lossless.
        share: Part of the pictures of each section that is kept, the first ones.
    """

    quality: int | None
    share: float = 1.0

    def kept(self, count: int) -> int:
        """How many of a section's pictures are kept, one at least."""
        return min(count, max(1, int(self.share * count)))

    def note(self, count: int) -> str:
        """What a reader must know of it.

        Args:
            count: Pictures that the section has.
        """
        fewer = f"To keep this page small, the first {self.kept(count)} of {count} are here. "
        fewer = fewer if self.kept(count) < count else ""
        if self.quality is None:
            return f"{fewer}The pictures are stored without loss; differences are those of their 8-bit values."
        return (
            f"{fewer}The pictures of the viewer are stored as WebP of quality {self.quality}, and small differences "
            "may come from that; the scores are those of the original results, and the close-ups are lossless."
        )


def load_versions(name: str, versions: Mapping[str, Path | Tensor]) -> dict[str, Tensor]:
    """Read the versions of a picture.

    Args:
        name: Of the picture, for the error.
        versions: Label → file or 1 × C × H × W tensor.

    Returns:
        Label → 1 × 3 × H × W in [0, 1].

    Raises:
        ValueError: They differ in size.
    """
    images = {label: _load(version) for label, version in versions.items()}
    sizes = {label: size_text(image.shape) for label, image in images.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the versions of picture {name!r} differ in size: {sizes}")
    return images


def _load(version: Path | Tensor) -> Tensor:
    image = read_image(version) if isinstance(version, Path) else version.detach().cpu()
    return image.expand(-1, 3, -1, -1).clamp(0, 1)


def data_uri(image: Tensor, quality: int | None) -> str:
    """An image as a URI that holds it.

    Args:
        image: 1 × 3 × H × W in [0, 1].
        quality: Of WebP; None is lossless.
    """
    return "data:image/webp;base64," + base64.b64encode(_encode(image, quality)).decode("ascii")


def _encode(image: Tensor, quality: int | None) -> bytes:
    from PIL import Image

    pixels = (image[0] * 255).round().byte().permute(1, 2, 0).numpy()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=quality is None, quality=quality or 60, method=2)
    return stream.getvalue()


def choose_encoding(scenes: Sequence[Mapping[str, Path | Tensor]], *, max_bytes: int) -> Encoding:
    """The best quality that keeps pictures within a size, judged by a sample of them; else fewer pictures.

    Args:
        scenes: The versions of every picture.
        max_bytes: About how large all may be together, as text of data URIs.
    """
    sampled = scenes[:: max(1, len(scenes) // SAMPLED)][:SAMPLED]
    images = [_load(version) for versions in sampled for version in versions.values()]
    count = sum(map(len, scenes))
    total = 0.0
    for quality in QUALITIES if images else ():
        sizes = [len(_encode(image, quality)) * 4 / 3 for image in images]
        total = sum(sizes) / len(sizes) * count
        if total <= max_bytes:
            return Encoding(quality)
    return Encoding(QUALITIES[-1], max_bytes / total) if images else Encoding(None)


def close_up(images: Sequence[Tensor]) -> list[Tensor]:
    """The window of 96 px where the restored versions (the third on) differ most.

    Args:
        images: The versions of a picture, 1 × 3 × H × W each.

    Returns:
        The same window of each.
    """
    height, width = (min(CLOSE_UP, side) for side in images[0].shape[-2:])
    restored = torch.cat(list(images[2:] if len(images) > 3 else images))
    spread = restored.std(dim=0, correction=0).mean(dim=0)[None, None]
    activity = torch.nn.functional.avg_pool2d(spread, (height, width), stride=4)[0, 0]
    row, column = divmod(int(activity.argmax()), activity.shape[1])
    top, left = 4 * row, 4 * column
    return [image[..., top : top + height, left : left + width] for image in images]
