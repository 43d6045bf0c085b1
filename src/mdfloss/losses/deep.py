"""Losses in the feature space of classification networks: VGG and LPIPS.

The networks' weights belong to torchvision and are downloaded by it at first use, or read from a file that you name.
"""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn

from mdfloss.trunks import LPIPS_MIN_SIZE, lpips_distance, lpips_network, trunk_weights

from .base import ImageLoss

__all__ = ["LPIPSLoss", "VGGLoss"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

VGG_LAYERS = 35
"""Layers of VGG19 up to conv5_4, before its ReLU."""


class VGGLoss(ImageLoss):
    """Mean squared difference of VGG19's conv5_4 maps before their ReLU (the layer of ESRGAN, Wang et al. 2018).

    Args:
        weights: File of torchvision's VGG19; see `mdfloss.trunks.trunk_weights`.

    Raises:
        OSError: The weights are not at hand.
        ValueError: The file holds something else.
    """

    min_size = 16
    mean: Tensor
    std: Tensor

    def __init__(self, *, weights: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        import torchvision

        state = trunk_weights("vgg19", weights)
        with torch.device("meta"):
            self.features: nn.Sequential = torchvision.models.vgg19(weights=None).features[:VGG_LAYERS]
        wanted = self.features.state_dict()
        try:
            self.features.load_state_dict({key: v for key, v in state.items() if key in wanted}, assign=True)
        except RuntimeError as error:
            raise ValueError(f"{weights} does not hold torchvision's vgg19: {error}") from error
        for layer in self.features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        with torch.no_grad():
            wanted = self._maps(target)
        return (self._maps(pred) - wanted).square().mean((1, 2, 3))

    def _maps(self, image: Tensor) -> Tensor:
        maps: Tensor = self.features((image.expand(-1, 3, -1, -1) - self.mean) / self.std)
        return maps


class LPIPSLoss(ImageLoss):
    """LPIPS of AlexNet, version 0.1 (Zhang et al., CVPR 2018), by the lpips package; needs `mdfloss[losses]`.

    Args:
        weights: File of torchvision's AlexNet; see `mdfloss.trunks.trunk_weights`.

    Raises:
        ModuleNotFoundError: The lpips package is missing.
        OSError: The weights are not at hand.
        ValueError: The file holds something else.
    """

    min_size = LPIPS_MIN_SIZE

    def __init__(self, *, weights: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        self.network = lpips_network(weights)

    def train(self, mode: bool = True) -> LPIPSLoss:  # noqa: ARG002
        """Stay in eval mode: lpips has dropout."""
        return super().train(False)

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        return lpips_distance(self.network, pred.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1))
