"""Training data: aligned patches from folders of pictures, and public data sets."""

from .paired import PairedPatches, factor_of_pairs, paired_validation
from .patches import ImageSet, Pair, PatchDataset, Skipped, StepSampler, fixed_pairs, sample_generator

__all__ = [
    "ImageSet",
    "Pair",
    "PairedPatches",
    "PatchDataset",
    "Skipped",
    "StepSampler",
    "factor_of_pairs",
    "fixed_pairs",
    "paired_validation",
    "sample_generator",
]
