"""What spoils images: the distortions that a loss is fitted for and a network is trained to undo."""

from .noise import GaussianNoise, PoissonGaussianNoise
from .protocol import Distortion, check_distortion, describe_distortion, load_distortion
from .resample import Downscale, resize

__all__ = [
    "Distortion",
    "Downscale",
    "GaussianNoise",
    "PoissonGaussianNoise",
    "check_distortion",
    "describe_distortion",
    "load_distortion",
    "resize",
]
