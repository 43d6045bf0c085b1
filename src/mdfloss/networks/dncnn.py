"""DnCNN, the blind denoiser and JPEG restorer (Zhang et al., TIP 2017, "Beyond a Gaussian Denoiser").

    restored = distorted - residual(distorted)

Layers and key names (`model.0.weight`, `model.2.weight`, …) are those of KAIR (github.com/cszn/KAIR,
`models/network_dncnn.py`), whose released colour networks have 20 layers and their BatchNorm merged into the
convolutions; so the `spandrel` package recognises the files, from eight layers on.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import RestorationNetwork

__all__ = ["DnCNN"]


class DnCNN(RestorationNetwork):
    """3×3 convolutions of one width that predict the distortion, which is then taken away.

    Args:
        num_layers: Convolutions, at least 2; 17 in the paper, 20 in KAIR's colour networks.
        num_features: Channels of every hidden map.
        in_channels: 3 for colour, 1 for gray.
        batch_norm: Normalise the inner maps, as the original recipe (SGD at 0.1) needs; KAIR's "BR" layout.

    Shape:
        (N, in_channels, H, W) in [0, 1] to the same; H and W of any size.

    Raises:
        ValueError: Fewer than 2 layers, or no feature.

    Examples:
        >>> sum(p.numel() for p in DnCNN().parameters())
        668227
    """

    def __init__(
        self,
        *,
        num_layers: int = 20,
        num_features: int = 64,
        in_channels: int = 3,
        batch_norm: bool = False,
    ) -> None:
        arguments = {
            "num_layers": num_layers,
            "num_features": num_features,
            "in_channels": in_channels,
            "batch_norm": batch_norm,
        }
        super().__init__(in_channels=in_channels, arguments=arguments)
        if num_layers < 2:
            raise ValueError(f"DnCNN needs num_layers of at least 2, got {num_layers}")
        layers: list[nn.Module] = [nn.Conv2d(in_channels, num_features, 3, padding=1), nn.ReLU(inplace=True)]
        for _ in range(num_layers - 2):
            layers.append(nn.Conv2d(num_features, num_features, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(num_features, eps=1e-4, momentum=0.1))
            layers.append(nn.ReLU(inplace=True))
        self.model = nn.Sequential(*layers, nn.Conv2d(num_features, in_channels, 3, padding=1))

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights anew as the authors do (He et al., ICCV 2015), but for the last layer, which begins at 0.

        With torch's own first weights a signal fades from layer to layer, and 20 layers without BatchNorm stay the
        identity for hundreds of steps. With a last layer of 0 they begin as the identity and leave it at once.
        """
        *hidden, last = (layer for layer in self.model if isinstance(layer, nn.Conv2d))
        for layer in hidden:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(last.weight)
        for layer in (*hidden, last):
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, distorted: Tensor) -> Tensor:
        """Restore a batch of images."""
        restored: Tensor = distorted - self.model(distorted)
        return restored
