from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mdfloss.data import ImageSet, PatchDataset, StepSampler, fixed_pairs, sample_generator
from mdfloss.distortions import Downscale, GaussianNoise
from mdfloss.images import read_image, write_image

NOISE = GaussianNoise(sigma=(0.0, 55.0))


@pytest.fixture
def folder(tmp_path: Path, generator: torch.Generator) -> Path:
    for number, size in enumerate([(40, 30), (33, 57), (64, 64)]):
        write_image(tmp_path / "good" / f"{number}.png", torch.rand(1, 3, *size, generator=generator))
    return tmp_path / "good"


def _samples(folder: Path, seed: int, indices: range, *, patch_size: int = 24) -> list[tuple[Tensor, Tensor]]:
    dataset = PatchDataset(ImageSet(folder), NOISE, patch_size=patch_size, seed=seed)
    return [dataset[i] for i in indices]


def test_a_sample_depends_on_seed_and_index_alone(folder: Path) -> None:
    forwards, again = _samples(folder, 3, range(12)), _samples(folder, 3, range(11, -1, -1))[::-1]
    for first, second in zip(forwards, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    other = _samples(folder, 4, range(12))
    assert not any(torch.equal(a[1], b[1]) for a, b in zip(forwards, other, strict=True))


def test_a_patch_is_a_turned_crop_and_its_partner_is_aligned(folder: Path) -> None:
    dataset = PatchDataset(ImageSet(folder), Downscale(factor=2), patch_size=24, seed=0)
    wholes = [read_image(path)[0] for path in sorted(folder.iterdir())]
    for index in range(9):
        lr, hr = dataset[index]
        assert lr.shape == (3, 12, 12)
        assert torch.equal(lr, Downscale(factor=2)(hr[None], torch.Generator())[0])
        turns = [torch.rot90(flipped, k, (1, 2)) for flipped in (hr, hr.flip(2)) for k in range(4)]
        windows = [w.unfold(1, 24, 1).unfold(2, 24, 1).permute(1, 2, 0, 3, 4) for w in wholes]
        assert any((w == t).all((2, 3, 4)).any() for w in windows for t in turns)


def test_every_pass_uses_every_picture_once(folder: Path) -> None:
    dataset = PatchDataset(ImageSet(folder), NOISE, patch_size=24, seed=0)
    passes = [[dataset.picture_of(3 * p + i) for i in range(3)] for p in range(8)]
    assert all(sorted(order) == [0, 1, 2] for order in passes)
    assert len({tuple(order) for order in passes}) > 1


def test_workers_and_the_cache_change_nothing(folder: Path) -> None:
    cached = PatchDataset(ImageSet(folder), NOISE, patch_size=24, seed=1)
    read_again = PatchDataset(ImageSet(folder, cache_bytes=0), NOISE, patch_size=24, seed=1)
    sampler = StepSampler(2, 5, batch_size=4)
    plain = list(DataLoader(cached, batch_sampler=sampler))
    parallel = list(DataLoader(read_again, batch_sampler=sampler, num_workers=2))
    for first, second in zip(plain, parallel, strict=True):
        assert torch.equal(first.distorted, second.distorted)
        assert torch.equal(first.clean, second.clean)


def test_steps_continue_where_they_stopped_and_ranks_share_them() -> None:
    whole = list(StepSampler(0, 6, batch_size=4))
    assert [*StepSampler(0, 2, batch_size=4), *StepSampler(2, 6, batch_size=4)] == whole
    shares = [list(StepSampler(0, 6, batch_size=4, rank=r, num_ranks=2)) for r in range(2)]
    assert [a + b for a, b in zip(*shares, strict=True)] == whole
    assert len(StepSampler(2, 6, batch_size=4)) == 4
    with pytest.raises(ValueError, match="batch_size counts all devices: 5 cannot be shared by 2"):
        StepSampler(0, 1, batch_size=5, num_ranks=2)


def test_16_bits_and_gray_are_kept(tmp_path: Path) -> None:
    ramp = (torch.arange(32 * 32).reshape(1, 1, 32, 32) * 60) / 65535
    write_image(tmp_path / "ramp.png", ramp, bit_depth=16)
    levels = ImageSet(tmp_path).levels(0)
    assert levels.dtype == torch.uint16
    assert levels.shape == (3, 32, 32)
    assert np.array_equal(levels[1].numpy().ravel(), np.arange(32 * 32) * 60)
    clean = PatchDataset(ImageSet(tmp_path, channels=1), NOISE, patch_size=32, seed=0)[0].clean
    assert torch.allclose(clean.flatten().sort().values, ramp.flatten(), atol=1e-7)


def test_validation_pairs_never_change(folder: Path) -> None:
    first = fixed_pairs(ImageSet(folder), NOISE, count=2, size=50, seed=0)
    again = fixed_pairs(ImageSet(folder), NOISE, count=2, size=50, seed=0)
    assert [tuple(pair.clean.shape) for pair in first] == [(1, 3, 24, 24), (1, 3, 48, 48)]
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.distorted, other.distorted)


def test_generators_of_different_numbers_are_unrelated() -> None:
    numbers = [(seed, stream, index) for seed in range(3) for stream in range(3) for index in range(100)]
    draws = {float(torch.rand((), generator=sample_generator(*n), dtype=torch.float64)) for n in numbers}
    assert len(draws) == len(numbers)
