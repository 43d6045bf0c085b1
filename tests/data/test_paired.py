from __future__ import annotations

from pathlib import Path

import pytest
import torch

from mdfloss.data import ImageSet, PairedPatches, drop_half_pairs, factor_of_pairs, paired_validation
from mdfloss.images import ImageFileError, write_image


@pytest.fixture
def folders(tmp_path: Path, generator: torch.Generator) -> tuple[Path, Path]:
    """Pictures and their halves: each pixel of a partner is the colour of a 2×2 block."""
    for number in range(3):
        small = torch.rand(1, 3, 20 + number, 31, generator=generator)
        write_image(tmp_path / "distorted" / f"{number}.tif", small)
        write_image(tmp_path / "clean" / f"{number}.png", small.repeat_interleave(2, 2).repeat_interleave(2, 3))
    return tmp_path / "clean", tmp_path / "distorted"


def test_patches_are_aligned(folders: tuple[Path, Path]) -> None:
    clean, distorted = map(ImageSet, folders)
    assert factor_of_pairs(clean, distorted) == 2
    patches = PairedPatches(clean, distorted, patch_size=16, seed=0)
    for index in range(24):
        pair, again = patches[index], patches[index]
        assert pair.distorted.shape == (3, 8, 8)
        assert torch.equal(pair.clean, pair.distorted.repeat_interleave(2, 1).repeat_interleave(2, 2))
        assert torch.equal(pair.clean, again.clean)


def test_validation_crops_are_aligned(folders: tuple[Path, Path]) -> None:
    pairs = paired_validation(*map(ImageSet, folders), count=2, size=40)
    assert len(pairs) == 2
    for pair in pairs:
        assert torch.equal(pair.clean, pair.distorted.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_folders_that_do_not_belong_together_are_refused(folders: tuple[Path, Path]) -> None:
    clean, distorted = folders
    with pytest.raises(ValueError, match="patch_size must be a multiple of the pairs' factor 2, got 15"):
        PairedPatches(*map(ImageSet, folders), patch_size=15, seed=0)
    with pytest.raises(ImageFileError, match=r"0\.png is smaller than the patch of 42 px"):
        PairedPatches(*map(ImageSet, folders), patch_size=42, seed=0)
    write_image(distorted / "2.tif", torch.zeros(1, 3, 21, 31), force=True)
    with pytest.raises(ImageFileError, match="is 44×62 px, its partner 21×31: not a whole factor"):
        factor_of_pairs(*map(ImageSet, folders))
    write_image(distorted / "2.tif", torch.zeros(1, 3, 44, 62), force=True)
    with pytest.raises(ImageFileError, match=r"one factor between their sizes, got \[1, 2\]"):
        factor_of_pairs(*map(ImageSet, folders))
    (clean / "1.png").unlink()
    with pytest.raises(ImageFileError, match="1 pictures have no partner in the other folder, the first is 1"):
        factor_of_pairs(*map(ImageSet, folders))


def test_a_broken_picture_takes_its_partner_along(folders: tuple[Path, Path]) -> None:
    (folders[1] / "1.tif").write_text("no picture")
    clean, distorted = ImageSet(folders[0], min_size=42), ImageSet(folders[1])
    drop_half_pairs(clean, distorted)
    assert ([p.stem for p in clean.paths], [p.stem for p in distorted.paths]) == (["2"], ["2"])
    reasons = {bad.path.name: bad.reason for bad in [*clean.skipped, *distorted.skipped]}
    assert reasons["1.png"].startswith("its partner: ")
    assert reasons["0.tif"] == "its partner: 40×62 px, smaller than the 42 px asked for"
    assert PairedPatches(clean, distorted, patch_size=42, seed=0)[5].clean.shape == (3, 42, 42)
    (folders[1] / "2.tif").write_text("no picture")
    (folders[1] / "0.tif").write_text("no picture")
    (folders[1] / "3.tif").write_bytes((folders[0] / "0.png").read_bytes())
    with pytest.raises(ImageFileError, match="no usable pair is left; the first"):
        drop_half_pairs(ImageSet(folders[0]), ImageSet(folders[1]))


def test_frames_of_one_number_in_several_folders_are_told_apart(tmp_path: Path, generator: torch.Generator) -> None:
    for scene in ("a", "b"):
        for kind in ("clean", "distorted"):
            write_image(tmp_path / kind / scene / "1.png", torch.rand(1, 3, 20, 20, generator=generator))
    (tmp_path / "distorted" / "b" / "1.png").write_text("no picture")
    clean, distorted = ImageSet(tmp_path / "clean"), ImageSet(tmp_path / "distorted")
    drop_half_pairs(clean, distorted)
    assert (clean.names, distorted.names) == (["a/1"], ["a/1"])
    assert factor_of_pairs(clean, distorted) == 1
    (tmp_path / "clean" / "b").rename(tmp_path / "clean" / "c")
    write_image(tmp_path / "distorted" / "b" / "1.png", torch.rand(1, 3, 20, 20), force=True)
    with pytest.raises(ImageFileError, match="2 pictures have no partner in the other folder, the first is b/1"):
        factor_of_pairs(ImageSet(tmp_path / "clean"), ImageSet(tmp_path / "distorted"))
