"""SRResNet, the generator of SRGAN (Ledig et al., CVPR 2017, "Photo-Realistic Single Image Super-Resolution").

Residual blocks with BatchNorm and PReLU, 9×9 convolutions at both ends, pixel shuffles. Keys follow KAIR's scheme of
one `model` with a `sub` branch: `model.0`, `model.2.sub.0.res.0`, ….
"""

from __future__ import annotations

from torch import Tensor, nn

from .base import RestorationNetwork, pixel_shuffles

__all__ = ["SRResNet"]


class ResBlock(nn.Module):
    """x + BatchNorm(conv(PReLU(BatchNorm(conv(x)))))."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.res = nn.Sequential(
            nn.Conv2d(num_features, num_features, 3, padding=1),
            nn.BatchNorm2d(num_features),
            nn.PReLU(),
            nn.Conv2d(num_features, num_features, 3, padding=1),
            nn.BatchNorm2d(num_features),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        y: Tensor = x + self.res(x)
        return y


class ShortcutBlock(nn.Module):
    """x + sub(x)."""

    def __init__(self, sub: nn.Module) -> None:
        super().__init__()
        self.sub = sub

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        y: Tensor = x + self.sub(x)
        return y


class SRResNet(RestorationNetwork):
    """SRResNet; the defaults are the paper's (1.55 M parameters at ×4).

    Args:
        num_features: Channels of every hidden map.
        num_blocks: Residual blocks.
        upscale: 2, 3, 4 or 8.
        in_channels: 3 for colour, 1 for gray.

    Shape:
        (N, in_channels, H, W) in [0, 1] to (N, in_channels, upscale·H, upscale·W).

    Raises:
        ValueError: An upscale that is not one of these.

    Examples:
        >>> sum(p.numel() for p in SRResNet().parameters())
        1549462
    """

    def __init__(self, *, num_features: int = 64, num_blocks: int = 16, upscale: int = 4, in_channels: int = 3) -> None:
        arguments = {
            "num_features": num_features,
            "num_blocks": num_blocks,
            "upscale": upscale,
            "in_channels": in_channels,
        }
        super().__init__(in_channels=in_channels, upscale=upscale, arguments=arguments)
        body = nn.Sequential(
            *(ResBlock(num_features) for _ in range(num_blocks)),
            nn.Conv2d(num_features, num_features, 3, padding=1),
            nn.BatchNorm2d(num_features),
        )
        self.model = nn.Sequential(
            nn.Conv2d(in_channels, num_features, 9, padding=4),
            nn.PReLU(),
            ShortcutBlock(body),
            *pixel_shuffles(num_features, upscale, activation=nn.PReLU),
            nn.Conv2d(num_features, in_channels, 9, padding=4),
        )

    def forward(self, lr: Tensor) -> Tensor:
        """Enlarge a batch of images."""
        hr: Tensor = self.model(lr)
        return hr
