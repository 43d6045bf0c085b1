"""The pictures of a training: patches to train on and pairs to validate on, from what its config names."""

from __future__ import annotations

from typing import NamedTuple

from mdfloss.data import (
    ImageSet,
    Pair,
    PairedPatches,
    PatchDataset,
    Skipped,
    drop_half_pairs,
    fixed_pairs,
    open_pictures,
    paired_validation,
)
from mdfloss.distortions.protocol import Distortion, load_distortion
from mdfloss.networks import RestorationNetwork

from .config import DataConfig, TrainConfig

__all__ = ["TrainingData", "check_sizes", "prepare_data", "training_data"]


class TrainingData(NamedTuple):
    """Patches to train on and pairs to validate on.

    Attributes:
        patches: Indexed by the number of the sample.
        validation: Fixed pairs.
        skipped: Pictures that could not be used.
    """

    patches: PatchDataset
    validation: list[Pair]
    skipped: list[Skipped]


def training_data(config: TrainConfig, *, channels: int) -> TrainingData:
    """The pictures of a training.

    Args:
        config: Names the pictures, the distortion and the seed.
        channels: Of the network.

    Raises:
        FileNotFoundError: A folder does not exist.
        ImageFileError: A folder has no usable picture.
    """
    distortion = load_distortion(**config.distortion) if config.distortion else None
    return prepare_data(config.data, distortion, channels=channels, seed=config.seed)


def prepare_data(config: DataConfig, distortion: Distortion | None, *, channels: int, seed: int) -> TrainingData:
    """Read the pictures of a run.

    Args:
        config: Folders and sizes.
        distortion: Makes the distorted images; None where the config names folders of them.
        channels: Of the network.
        seed: Of the run.

    Raises:
        FileNotFoundError: A folder does not exist.
        ImageFileError: A folder has no usable picture, or pairs do not fit.
        ValueError: Neither a distortion nor folders of distorted pictures, or both.
    """
    if (distortion is None) != (config.train_distorted_dir is not None):
        raise ValueError("either a distortion or folders of distorted pictures must be given, not both")
    if distortion is None:
        return _prepare_pairs(config, channels=channels, seed=seed)
    images = open_pictures(config.train_dir, channels=channels, min_size=config.patch_size)
    held_out = open_pictures(config.val_dir, channels=channels)
    pairs = fixed_pairs(held_out, distortion, count=config.val_images, size=config.val_size, seed=seed)
    patches = PatchDataset(images, distortion, patch_size=config.patch_size, seed=seed)
    return TrainingData(patches, pairs, [*images.skipped, *held_out.skipped])


def _prepare_pairs(config: DataConfig, *, channels: int, seed: int) -> TrainingData:
    clean = ImageSet(config.train_dir, channels=channels, min_size=config.patch_size)
    folders = (config.train_distorted_dir, config.val_dir, config.val_distorted_dir)
    distorted, held_out, partners = (ImageSet(str(folder), channels=channels) for folder in folders)
    drop_half_pairs(clean, distorted)
    drop_half_pairs(held_out, partners)
    pairs = paired_validation(held_out, partners, count=config.val_images, size=config.val_size)
    patches = PairedPatches(clean, distorted, patch_size=config.patch_size, seed=seed)
    skipped = [bad for images in (clean, distorted, held_out, partners) for bad in images.skipped]
    return TrainingData(patches, pairs, skipped)


def check_sizes(network: RestorationNetwork, data: TrainingData) -> None:
    """Refuse a network that would not bring the distorted pictures to the size of the clean ones.

    Args:
        network: What is going to be trained.
        data: With these pictures.

    Raises:
        ValueError: It enlarges by another factor.
    """
    pair = data.validation[0]
    (height, width), (wanted_height, wanted_width) = pair.distorted.shape[2:], pair.clean.shape[2:]
    factor = network.upscale
    if (factor * height, factor * width) != (wanted_height, wanted_width):
        raise ValueError(
            f"the network enlarges by {factor}, and the distortion makes {height}×{width} px of "
            f"{wanted_height}×{wanted_width}: choose a network or a distortion of the same factor (upscale, Downscale)"
        )
