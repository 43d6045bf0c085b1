"""What spoils images: the distortions that a loss is fitted for and a network is trained to undo.

A command that takes one annotates its parameter with `AnyDistortion`; jsonargparse then accepts
`--distortion GaussianNoise --distortion.sigma 25`, `--distortion my_module.MotionBlur --distortion.length 15` (any
class whose objects can be called with `(image, generator)`), `--distortion my_module.function`, and the same from
YAML by `class_path` and `init_args`.
"""

from .blur import DefocusBlur, GaussianBlur, MotionBlur
from .command_line import explain_distortion
from .compose import Compose, OneOf
from .jpeg import Jpeg
from .noise import GaussianNoise, PoissonGaussianNoise
from .protocol import (
    BUILT_IN,
    AnyDistortion,
    Distortion,
    NamedDistortion,
    check_distortion,
    describe_distortion,
    load_distortion,
)
from .resample import Downscale, resize

__all__ = [
    "BUILT_IN",
    "AnyDistortion",
    "Compose",
    "DefocusBlur",
    "Distortion",
    "Downscale",
    "GaussianBlur",
    "GaussianNoise",
    "Jpeg",
    "MotionBlur",
    "NamedDistortion",
    "OneOf",
    "PoissonGaussianNoise",
    "check_distortion",
    "describe_distortion",
    "explain_distortion",
    "load_distortion",
    "resize",
]
