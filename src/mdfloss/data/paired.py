"""Real degradations: two folders whose pictures belong together, in the place of a synthetic distortion."""

from __future__ import annotations

from mdfloss.images import ImageFileError

from .patches import Pair, PatchDataset, crop_side, cut, draw_place, turned
from .pictures import ImageSet, evenly_spread

__all__ = ["PairedPatches", "drop_half_pairs", "factor_of_pairs", "paired_validation"]


def drop_half_pairs(clean: ImageSet, distorted: ImageSet) -> None:
    """Leave out the pictures whose partner is broken or too small, so that what is left are pairs.

    Args:
        clean: Originals.
        distorted: Pictures of the same names, folders below the one given included.

    Raises:
        ImageFileError: No pair is left.
    """
    unusable = [{images.name_of(bad.path): bad.reason for bad in images.skipped} for images in (clean, distorted)]
    for images, others in ((clean, unusable[1]), (distorted, unusable[0])):
        named = zip(images.paths, images.names, strict=True)
        reasons = {path: f"its partner: {others[name]}" for path, name in named if name in others}
        images.leave_out(reasons)
        if not images.paths:
            path, reason = next(iter(reasons.items()))
            raise ImageFileError(f"no usable pair is left; the first, {path}: {reason}")


def factor_of_pairs(clean: ImageSet, distorted: ImageSet) -> int:
    """Check that two sets belong together picture by picture.

    Args:
        clean: Originals.
        distorted: Pictures of the same names (their suffixes may differ) and of sizes smaller by one whole factor.

    Returns:
        The factor; 1 for equal sizes.

    Raises:
        ImageFileError: A picture has no partner, or the sizes do not fit.
    """
    ours, theirs = clean.names, distorted.names
    if lonely := sorted(set(ours) ^ set(theirs)):
        raise ImageFileError(f"{len(lonely)} pictures have no partner in the other folder, the first is {lonely[0]}")
    if ours != theirs or len(set(ours)) < len(ours):
        raise ImageFileError("names must be unique, and in the same order in both folders")
    factors = set()
    for path, hr, lr in zip(clean.paths, clean.sizes, distorted.sizes, strict=True):
        factor = max(1, hr[0] // max(1, lr[0]))
        if hr != (factor * lr[0], factor * lr[1]):
            raise ImageFileError(f"{path} is {hr[0]}×{hr[1]} px, its partner {lr[0]}×{lr[1]}: not a whole factor")
        factors.add(factor)
    if len(factors) > 1:
        raise ImageFileError(f"pairs must have one factor between their sizes, got {sorted(factors)}")
    return factors.pop()


class PairedPatches(PatchDataset):
    """Aligned patches of two folders; sample i is always the same.

    Args:
        clean: Originals.
        distorted: Their partners.
        patch_size: Side of the clean patch in px; a multiple of the factor between the sizes.
        seed: With the index, decides everything random.

    Raises:
        ImageFileError: The folders do not belong together, or a picture is smaller than the patch.
        ValueError: `patch_size` is no multiple of the factor.
    """

    def __init__(self, clean: ImageSet, distorted: ImageSet, *, patch_size: int, seed: int) -> None:
        super().__init__(clean, None, patch_size=patch_size, seed=seed)
        self.partners = distorted
        self.factor = factor_of_pairs(clean, distorted)
        if patch_size % self.factor:
            raise ValueError(f"patch_size must be a multiple of the pairs' factor {self.factor}, got {patch_size}")
        for path, size in zip(clean.paths, clean.sizes, strict=True):
            if min(size) < patch_size:
                raise ImageFileError(f"{path} is smaller than the patch of {patch_size} px: lower patch_size")

    def __getitem__(self, index: int) -> Pair:
        """Sample number `index`, any number from 0 on."""
        number, side = self.picture_of(index), self.patch_size // self.factor
        small = self.partners.levels(number)
        top, left, turn = draw_place(small, side, self.generator_of(index))
        large = self.images.levels(number)
        clean = cut(large, self.factor * top, self.factor * left, self.patch_size, self.patch_size)
        return Pair(turned(cut(small, top, left, side, side), turn), turned(clean, turn))


def paired_validation(clean: ImageSet, distorted: ImageSet, *, count: int, size: int) -> list[Pair]:
    """Centre crops of pairs, as `fixed_pairs` makes them of clean pictures.

    Args:
        clean: Originals.
        distorted: Their partners.
        count: At most this many, spread evenly over the set.
        size: Largest side of a clean crop in px.

    Raises:
        ImageFileError: The folders do not belong together.
    """
    factor = factor_of_pairs(clean, distorted)
    pairs = []
    for index in evenly_spread(len(clean), count):
        small, large = distorted.levels(index), clean.levels(index)
        height, width = (crop_side(side, max(1, size // factor)) for side in small.shape[1:])
        top, left = (small.shape[1] - height) // 2, (small.shape[2] - width) // 2
        hr = cut(large, factor * top, factor * left, factor * height, factor * width)
        pairs.append(Pair(cut(small, top, left, height, width)[None], hr[None]))
    return pairs
