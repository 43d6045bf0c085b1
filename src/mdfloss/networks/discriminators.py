"""The critic of adversarial training: a VGG-style classifier of patches.

After SRGAN (Ledig et al. 2017) and ESRGAN (BasicSR's `VGGStyleDiscriminator`): pairs of convolutions, 3×3 and 4×4
with stride 2, BatchNorm, LeakyReLU(0.2), then two linear layers. These are not the discriminators of the MDF loss.
"""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["VGGDiscriminator"]

NEGATIVE_SLOPE = 0.2
LARGEST_FACTOR = 8
"""Channels double at each stage up to this many times `num_features`."""


class VGGDiscriminator(nn.Module):
    """One number for each patch, higher for real ones; no sigmoid.

    Args:
        patch_size: Side of the patches, px; a multiple of 2^num_stages. ESRGAN has 128, SRGAN 96.
        num_features: Channels of the first stage.
        num_stages: Halvings; 5 in ESRGAN, 4 in SRGAN.
        hidden: Width of the first linear layer; 100 in ESRGAN, 1024 in SRGAN.
        in_channels: Channels of the patches.

    Shape:
        (N, in_channels, patch_size, patch_size) to (N, 1).

    Raises:
        ValueError: `patch_size` is no multiple of 2^num_stages.
    """

    def __init__(
        self,
        *,
        patch_size: int = 128,
        num_features: int = 64,
        num_stages: int = 5,
        hidden: int = 100,
        in_channels: int = 3,
    ) -> None:
        super().__init__()
        if patch_size < 2**num_stages or patch_size % 2**num_stages:
            below = patch_size - patch_size % 2**num_stages
            fitting = " or ".join(str(size) for size in (below, below + 2**num_stages) if size)
            raise ValueError(
                f"the discriminator halves {num_stages} times: patch_size must be a multiple of {2**num_stages}, "
                f"got {patch_size}: take {fitting}"
            )
        self.patch_size = patch_size
        layers: list[nn.Module] = []
        width = in_channels
        for stage in range(num_stages):
            wider = num_features * min(2**stage, LARGEST_FACTOR)
            layers += [nn.Conv2d(width, wider, 3, padding=1, bias=stage == 0)]
            layers += [] if stage == 0 else [nn.BatchNorm2d(wider)]
            layers += [nn.LeakyReLU(NEGATIVE_SLOPE), nn.Conv2d(wider, wider, 4, stride=2, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(wider), nn.LeakyReLU(NEGATIVE_SLOPE)]
            width = wider
        side = patch_size // 2**num_stages
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.Linear(width * side * side, hidden), nn.LeakyReLU(NEGATIVE_SLOPE), nn.Linear(hidden, 1)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Score patches.

        Raises:
            ValueError: Another size than `patch_size`.
        """
        if image.shape[2:] != (self.patch_size, self.patch_size):
            seen = f"{image.shape[2]}×{image.shape[3]}"
            raise ValueError(f"the discriminator was made for {self.patch_size} px patches, got {seen}")
        score: Tensor = self.classifier(self.features(image).flatten(1))
        return score
