"""Training data: aligned patches from folders of pictures, and public data sets."""

from .patches import ImageSet, Pair, PatchDataset, Skipped, StepSampler, fixed_pairs, sample_generator

__all__ = ["ImageSet", "Pair", "PatchDataset", "Skipped", "StepSampler", "fixed_pairs", "sample_generator"]
