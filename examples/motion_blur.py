"""A distortion of your own: a camera that moves sideways.

    mdfloss fit astronaut.png --distortion motion_blur.MotionBlur --distortion.length 15 -o deblur.safetensors

run in this folder, fits a loss for it. Nothing is inherited or registered: an object that can be called with
`(image, generator)` is a distortion.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class MotionBlur:
    """Horizontal blur over 1 to `length` pixels, another width for each image."""

    length: int = 15

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Blur N×C×H×W images in [0, 1]; all chance comes from `generator`."""
        widths = torch.randint(1, self.length + 1, (len(image),), generator=generator, device=generator.device)
        blurred = []
        for one, width in zip(image, widths.tolist(), strict=True):
            padded = functional.pad(one, (width // 2, (width - 1) // 2, 0, 0), mode="reflect")
            blurred.append(functional.avg_pool2d(padded, (1, width), stride=1))
        return torch.stack(blurred)


if __name__ == "__main__":
    from mdfloss.distortions import check_distortion, describe_distortion

    check_distortion(MotionBlur(length=15))
    print(describe_distortion(MotionBlur(length=15)))
