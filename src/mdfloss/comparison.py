"""How one map of a prediction is compared with the target's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn.functional import avg_pool2d

__all__ = ["COMPARISONS", "Comparison", "structure_distance"]

Comparison = Literal["absolute", "squared", "structure"]

WINDOW = 8
"""Side of the windows that structure is compared in, in a map's px; half a window from one to the next."""

SMALLEST_VARIANCE = 8e-6
"""What stabilises the quotient where a map is flat: some times the variance that a task's distortion gives a whitened
map, whose mean absolute change is a 32nd of the pixels' (`conditioning.whiten`). Chosen by trainings (docs/tried.md):
with less, what is nearly flat counts for so much that PSNR suffers."""


def structure_distance(pred: Tensor, target: Tensor) -> Tensor:
    """1 - SSIM's contrast-structure term, (2 cov + c) / (var + var + c), of each channel in each window.

    That is the variance of the difference in the window, over the variances of both and c: errors count in relation to
    the contrast around them, and a prediction of less contrast than its target's pays for it, where the best answer to
    an absolute or squared difference is one of less contrast wherever it is unsure.

    Args:
        pred: Map of the prediction, (N, C, H, W).
        target: The target's, of the same shape.

    Returns:
        Mean over channels and windows for each image, (N,), within [0, 2].

    Source:
        Wang, Bovik, Sheikh, Simoncelli 2004, for pixels.
    """
    side = max(1, min(WINDOW, pred.shape[2] // 2, pred.shape[3] // 2))

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, side, max(1, side // 2))

    difference = pred - target
    centre = target.detach().mean(dim=(2, 3), keepdim=True)  # for the rounding: variances are differences of squares
    pred, target = pred - centre, target - centre
    means = mean(pred), mean(target)
    error = mean(difference.square()) - (means[0] - means[1]).square()
    variances = mean(pred.square() + target.square()) - means[0].square() - means[1].square()
    return (error.clamp_min(0) / (variances.clamp_min(0) + SMALLEST_VARIANCE)).mean(dim=(1, 2, 3))


COMPARISONS: dict[Comparison, Callable[[Tensor, Tensor], Tensor]] = {
    "absolute": lambda pred, target: (pred - target).abs().mean(dim=(1, 2, 3)),
    "squared": lambda pred, target: (pred - target).square().mean(dim=(1, 2, 3)),
    "structure": structure_distance,
}
"""Name → distance of two maps for each image, (N,)."""
