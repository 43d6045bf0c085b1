"""Perceptual measures of other libraries, brought to one form: [0, 1] in, one value for each image out.

They are extras (`pip install "mdfloss[metrics]"`) and are imported when first used. The ranges that each
library expects (half of the field's wrong numbers) are settled here, and those of lpips in `mdfloss.trunks`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mdfloss.trunks import lpips_distance, lpips_network

__all__ = ["jod", "lpips", "piq_measure"]


def _missing(package: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f'this metric needs the package {package}: pip install "mdfloss[metrics]"')


def piq_measure(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """A measure of piq that needs no weights.

    Args:
        name: Its function's name in piq, such as "haarpsi".

    Returns:
        A function (pred, target) → N values, for N × C × H × W tensors in [0, 1].
    """

    def score(pred: Tensor, target: Tensor) -> Tensor:
        try:
            import piq
        except ModuleNotFoundError as error:
            raise _missing("piq") from error
        # piq refuses what sticks out of the range, as a prediction that was not rounded may.
        values: Tensor = getattr(piq, name)(pred.clamp(0, 1).float(), target.float(), data_range=1.0, reduction="none")
        return values

    return score


@functools.cache
def _lpips_network(device: torch.device) -> nn.Module:
    return lpips_network().to(device)


def lpips(pred: Tensor, target: Tensor) -> Tensor:
    """LPIPS of each image: AlexNet, version 0.1 (Zhang et al. 2018).

    Args:
        pred: N × 3 × H × W in [0, 1].
        target: The same shape.

    Returns:
        N distances.

    Raises:
        ModuleNotFoundError: The lpips package is missing.
        OSError: The AlexNet weights are not at hand and cannot be downloaded.
    """
    with torch.no_grad():
        return lpips_distance(_lpips_network(pred.device), pred.float(), target.float())


@functools.cache
def _video_difference_predictor(device: torch.device) -> Any:
    try:
        import pycvvdp
    except ModuleNotFoundError as error:
        raise _missing("cvvdp") from error
    return pycvvdp.cvvdp(display_name="standard_4k", quiet=True, device=device)


def jod(pred: Tensor, target: Tensor) -> Tensor:
    """ColorVideoVDP's quality, in just-objectionable differences (Mantiuk et al. 2024), on its "standard_4k".

    Args:
        pred: N × 3 × H × W in [0, 1], display-encoded.
        target: The same shape.

    Returns:
        N values: 10 for no visible difference, one less for each step that 75 % of people would notice.
    """
    predictor = _video_difference_predictor(pred.device)
    with torch.no_grad():
        values = [
            predictor.predict(one.clamp(0, 1).float(), other.float(), dim_order="CHW")[0]
            for one, other in zip(pred, target, strict=True)
        ]
    return torch.stack([value.reshape(()) for value in values])
