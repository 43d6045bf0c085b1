from __future__ import annotations

import builtins
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from mdfloss.cli import main
from mdfloss.data import (
    ImageSet,
    PatchDataset,
    ShardError,
    ShardSet,
    StepSampler,
    is_sharded,
    open_pictures,
    write_shards,
)
from mdfloss.distortions import GaussianNoise
from mdfloss.images import ImageFileError, write_image
from mdfloss.networks import load_network
from mdfloss.training import DataConfig, Hardware, TrainConfig, train

litdata = pytest.importorskip("litdata")

# LitData leaves it to the garbage collector to close its files.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

NOISE = GaussianNoise(sigma=(0.0, 55.0))


@pytest.fixture
def folder(tmp_path: Path, generator: torch.Generator) -> Path:
    """Eight pictures: PNG of 8 and 16 bit, gray, JPEG, in two folders; one is small, one is broken."""
    folder = tmp_path / "folder"
    for number, size in enumerate([(40, 30), (33, 57), (64, 64), (48, 48)]):
        write_image(folder / f"{number}.png", torch.rand(1, 3, *size, generator=generator))
    write_image(folder / "deep" / "wide.png", torch.rand(1, 3, 41, 39, generator=generator), bit_depth=16)
    write_image(folder / "deep" / "gray.tif", torch.rand(1, 1, 50, 44, generator=generator))
    write_image(folder / "photo.jpg", torch.rand(1, 3, 60, 52, generator=generator))
    write_image(folder / "small.png", torch.rand(1, 3, 10, 80, generator=generator))
    (folder / "broken.png").write_text("no picture")
    return folder


@pytest.fixture
def shards(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("litdata.utilities.dataset_utilities._LITDATA_CACHE_DIR", str(tmp_path / "cache"))
    skipped = write_shards(folder, tmp_path / "shards", chunk_mib=1)
    assert [bad.path.name for bad in skipped] == ["broken.png"]
    return tmp_path / "shards"


def _batches(pictures: Any, workers: int) -> list[Any]:
    patches = PatchDataset(pictures, NOISE, patch_size=24, seed=3)
    return list(DataLoader(patches, batch_sampler=StepSampler(1, 6, batch_size=4), num_workers=workers))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("downloaded", [False, True])
def test_batches_are_those_of_the_folder(folder: Path, shards: Path, workers: int, downloaded: bool) -> None:
    address = f"local:{shards}" if downloaded else shards
    streamed = open_pictures(address, min_size=24)
    assert isinstance(streamed, ShardSet)
    assert [bad.path.as_posix() for bad in streamed.skipped] == ["small.png"]
    plain = ImageSet(folder, min_size=24)
    assert len(streamed) == len(plain)
    for first, second in zip(_batches(plain, 0), _batches(streamed, workers), strict=True):
        assert torch.equal(first.clean, second.clean)
        assert torch.equal(first.distorted, second.distorted)


def test_many_shards_and_any_order(tmp_path: Path, generator: torch.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("litdata.utilities.dataset_utilities._LITDATA_CACHE_DIR", str(tmp_path / "cache"))
    for number in range(8):
        write_image(tmp_path / "large" / f"{number}.png", torch.rand(1, 3, 300, 400, generator=generator))
    write_shards(tmp_path / "large", tmp_path / "shards", chunk_mib=1)
    assert len(list((tmp_path / "shards").glob("*.bin"))) > 3
    plain, streamed = ImageSet(tmp_path / "large"), ShardSet(f"local:{tmp_path / 'shards'}")
    for index in (7, 0, 3, 3, 6, 1, 7):
        assert torch.equal(plain.levels(index), streamed.levels(index))


def test_a_training_ends_with_the_same_weights(folder: Path, shards: Path, tmp_path: Path) -> None:
    network = {"num_layers": 3, "num_features": 4}
    results = []
    for where in (folder, shards):
        data = DataConfig(train_dir=str(where), val_dir=str(where), patch_size=24, val_size=48)
        config = TrainConfig(data, network_args=network, steps=6, batch_size=4, val_every=3)
        results.append(train(config, tmp_path / f"run{len(results)}", hardware=Hardware(accelerator="cpu")))
    first, second = (load_network(result.last) for result in results)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert results[0].curves.read_text() == results[1].curves.read_text()
    assert dataclasses.replace(results[1], folder=results[0].folder).val_psnr == results[0].val_psnr


def test_the_command_makes_them(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["data", "shard", str(folder), "-o", str(tmp_path / "made")]
    assert main(args) == 0
    shown = capsys.readouterr().out
    assert "1 pictures were skipped" in shown
    assert "broken.png" in shown
    assert len(ShardSet(tmp_path / "made")) == 8
    assert main(args) == 1
    assert "exists" in capsys.readouterr().err


def test_what_is_no_shard_of_ours_is_refused(tmp_path: Path, shards: Path) -> None:
    with pytest.raises(ShardError, match="cannot be read as shards"):
        open_pictures(f"local:{tmp_path / 'nowhere'}")
    (tmp_path / "other").mkdir()
    cache = litdata.streaming.Cache(str(tmp_path / "other"), chunk_bytes=1 << 20)
    cache[0] = {"image": 3}
    cache.done()
    cache.merge()
    with pytest.raises(ShardError, match="another kind: make them with mdfloss data shard"):
        open_pictures(tmp_path / "other")
    with pytest.raises(ImageFileError, match="has no picture of 100 px or more among 8"):
        open_pictures(shards, min_size=100)
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        open_pictures(tmp_path / "nowhere")


def test_shards_are_told_from_pictures(folder: Path, shards: Path) -> None:
    assert [is_sharded(where) for where in (shards, "s3://bucket/set", f"local:{folder}")] == [True] * 3
    assert not is_sharded(folder)


def test_newer_shards_ask_for_an_upgrade(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    cache = litdata.streaming.Cache(str(tmp_path / "new"), chunk_bytes=1 << 20)
    cache[0] = json.dumps({"mdfloss_shards": 99, "pictures": []}).encode()
    cache.done()
    cache.merge()
    with pytest.raises(ShardError, match="shards of format 99, this mdfloss reads 1: upgrade"):
        ShardSet(tmp_path / "new")


def test_a_full_disk_leaves_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(litdata.streaming.Cache, "done", full)
    with pytest.raises(OSError, match="No space left"):
        write_shards(folder, tmp_path / "full")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder"]


def test_without_litdata_the_extra_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain_import = builtins.__import__

    def missing(name: str, *args: Any, **options: Any) -> Any:
        if name == "litdata":
            raise ModuleNotFoundError(name)
        return plain_import(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", missing)
    for attempt in (lambda: write_shards(folder, tmp_path / "made"), lambda: ShardSet("s3://bucket/set")):
        with pytest.raises(ModuleNotFoundError, match=r'pip install "mdfloss\[shards\]"'):
            attempt()
