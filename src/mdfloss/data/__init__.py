"""Training data: aligned patches from folders of pictures or shards, and public data sets."""

from .paired import PairedPatches, drop_half_pairs, factor_of_pairs, paired_validation
from .patches import Pair, PatchDataset, StepSampler, fixed_pairs, sample_generator
from .pictures import ImageSet, PictureSet, Skipped
from .shards import ShardError, ShardSet, is_sharded, open_pictures, write_shards

__all__ = [
    "ImageSet",
    "Pair",
    "PairedPatches",
    "PatchDataset",
    "PictureSet",
    "ShardError",
    "ShardSet",
    "Skipped",
    "StepSampler",
    "drop_half_pairs",
    "factor_of_pairs",
    "fixed_pairs",
    "is_sharded",
    "open_pictures",
    "paired_validation",
    "sample_generator",
    "write_shards",
]
