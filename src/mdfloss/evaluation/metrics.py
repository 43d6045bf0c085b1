"""Image quality metrics, each under a protocol that is printed with its number.

The same pictures score 2 dB apart in RGB and on MATLAB's Y, and 0.1 dB apart with and without a 4 px crop.
A figure without its colour space, crop and rounding is not comparable with anything, so `MetricProtocol`
holds them and prints itself, and `measure` is the one door to every metric here.

The measures themselves are those of torchmetrics, scikit-image, piq, lpips and ColorVideoVDP; every function takes
N × C × H × W tensors and gives one value for each image (torchmetrics' PSNR would pool the errors of all images,
which is not the mean of their PSNRs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from mdfloss.images import check_images
from mdfloss.sizes import size_text
from mdfloss.trunks import LPIPS_MIN_SIZE

from .perceptual import jod, lpips, piq_measure

__all__ = ["METRICS", "ColorSpace", "Metric", "MetricProtocol", "find_metrics", "measure", "psnr", "ssim"]

ColorSpace = Literal["rgb", "y"]

SSIM_WINDOW = 11
"""Side of SSIM's Gaussian window (sigma 1.5, cut at 3.5 sigma), in px."""


@dataclass(frozen=True)
class MetricProtocol:
    """What is done to both pictures before they are compared.

    Args:
        color_space: "rgb" compares all channels; "y" the luma of MATLAB's `rgb2ycbcr`,
            (16 + 65.481 R + 128.553 G + 24.966 B) / 255, as tables of super-resolution do. A gray picture
            is taken as one with three equal channels, so that the file's format does not change its score.
        crop_border: Pixels left out at each side; super-resolution customarily leaves out its factor.
        rounding: Clip to the range and round to 8 bits first, as saving the picture would.
        data_range: Value of white in the tensors.

    Raises:
        ValueError: An option is outside its range.

    Examples:
        >>> print(MetricProtocol(color_space="y", crop_border=4))
        MATLAB's Y, 4 px cropped, rounded to 8 bits, data range 1
    """

    color_space: ColorSpace = "rgb"
    crop_border: int = 0
    rounding: bool = True
    data_range: float = 1.0

    def __post_init__(self) -> None:
        if self.color_space not in get_args(ColorSpace):
            raise ValueError(f"color_space must be one of {get_args(ColorSpace)}, but is {self.color_space!r}")
        if self.crop_border < 0:
            raise ValueError(f"crop_border must be 0 or more pixels, but is {self.crop_border}")
        if not self.data_range > 0:
            raise ValueError(f"data_range must be positive, but is {self.data_range}")

    def __str__(self) -> str:
        space = "MATLAB's Y" if self.color_space == "y" else "RGB"
        crop = f"{self.crop_border} px cropped" if self.crop_border else "no crop"
        rounding = "rounded to 8 bits" if self.rounding else "not rounded"
        return f"{space}, {crop}, {rounding}, data range {self.data_range:g}"

    def prepare(self, image: Tensor) -> Tensor:
        """Bring an image into the form that is compared.

        Args:
            image: N × C × H × W with C = 1 or 3, in [0, data_range].

        Returns:
            The image in [0, 1], float64, cropped, rounded and in the protocol's colour space.

        Raises:
            ValueError: The crop leaves nothing.
        """
        border = self.crop_border
        if border and min(image.shape[-2:]) <= 2 * border:
            raise ValueError(f"crop_border={border} leaves nothing of an image of {size_text(image.shape)}")
        image = image[..., border : image.shape[-2] - border, border : image.shape[-1] - border]
        image = image.double() / self.data_range
        if self.rounding:
            image = (image.clamp(0, 1) * 255).round() / 255
        return _luma(image) if self.color_space == "y" else image


def _luma(image: Tensor) -> Tensor:
    """MATLAB's Y of images in [0, 1]: N × 3 × H × W or N × 1 × H × W → N × 1 × H × W in [16, 235] / 255."""
    weights = image.new_tensor([65.481, 128.553, 24.966]).reshape(1, 3, 1, 1)
    return (16 + (weights * image).sum(dim=1, keepdim=True)) / 255


def psnr(pred: Tensor, target: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image, in dB.

    Args:
        pred: N × C × H × W in [0, 1].
        target: The same shape.

    Returns:
        N values; infinite where the pictures are equal.
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio

    return peak_signal_noise_ratio(pred, target, data_range=1.0, dim=(1, 2, 3), reduction="none")


def ssim(pred: Tensor, target: Tensor) -> Tensor:
    """Structural similarity of each image (Wang et al. 2004): Gaussian window of 11 px, sigma 1.5.

    Only windows inside the picture count, as in the authors' code and scikit-image; channels are averaged.

    Args:
        pred: N × C × H × W in [0, 1], 11 px or more each way.
        target: The same shape.

    Returns:
        N values, at most 1.
    """
    # torchmetrics has it too, fifty times slower on a CPU, and it lets windows hang over the border.
    from skimage.metrics import structural_similarity

    pairs = zip(pred.detach().cpu().double().numpy(), target.detach().cpu().double().numpy(), strict=True)
    engine: Any = partial(
        structural_similarity,
        data_range=1.0,
        channel_axis=0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return torch.tensor([engine(true, seen) for seen, true in pairs], dtype=torch.float64)


@dataclass(frozen=True)
class Metric:
    """A measure, how it is printed, and which way is better.

    Args:
        label: Name as printed.
        function: (pred, target) in [0, 1], N × C × H × W → N values.
        higher_is_better: Direction; required, because a forgotten one turns a ranking over.
        unit: Unit as printed, or nothing.
        digits: Decimals as printed.
        min_size: Smallest side of a picture that it can measure, in px.
        needs_color: Defined on RGB only: the protocol's Y is not applied, and the number says so.
    """

    label: str
    function: Callable[[Tensor, Tensor], Tensor]
    higher_is_better: bool
    unit: str = ""
    digits: int = 4
    min_size: int = 1
    needs_color: bool = False

    @property
    def arrow(self) -> str:
        """An arrow that points to the better end."""
        return "↑" if self.higher_is_better else "↓"

    @property
    def axis_label(self) -> str:
        """Label with unit, as an axis of a plot has it."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @property
    def heading(self) -> str:
        """Label with unit and direction, as a column of a table is headed."""
        return f"{self.axis_label} {self.arrow}"

    def protocol(self, protocol: MetricProtocol) -> MetricProtocol:
        """The protocol that this metric really runs under."""
        return replace(protocol, color_space="rgb") if self.needs_color else protocol


METRICS: dict[str, Metric] = {
    "psnr": Metric("PSNR", psnr, higher_is_better=True, unit="dB", digits=2),
    "ssim": Metric("SSIM", ssim, higher_is_better=True, min_size=SSIM_WINDOW),
    "ms_ssim": Metric("MS-SSIM", piq_measure("multi_scale_ssim"), higher_is_better=True, min_size=161),
    "lpips": Metric("LPIPS", lpips, higher_is_better=False, min_size=LPIPS_MIN_SIZE, needs_color=True),
    "haarpsi": Metric("HaarPSI", piq_measure("haarpsi"), higher_is_better=True, min_size=32),
    "mdsi": Metric("MDSI", piq_measure("mdsi"), higher_is_better=False, min_size=16, needs_color=True),
    "vsi": Metric("VSI", piq_measure("vsi"), higher_is_better=True, min_size=32, needs_color=True),
    "gmsd": Metric("GMSD", piq_measure("gmsd"), higher_is_better=False, min_size=16),
    "jod": Metric("JOD", jod, higher_is_better=True, digits=3, min_size=32, needs_color=True),
}
"""Name → metric; the names are those that commands and result files use."""


def find_metrics(names: Sequence[str]) -> dict[str, Metric]:
    """Look metrics up by name.

    Args:
        names: Names out of `METRICS`.

    Returns:
        Name → metric, in the order asked for.

    Raises:
        ValueError: A name is unknown, or there is none.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        seen = ", ".join(map(repr, unknown)) or "nothing"
        raise ValueError(f"metrics must be among {', '.join(METRICS)}, but {seen} was asked for")
    return {name: METRICS[name] for name in names}


def measure(name: str, pred: Tensor, target: Tensor, *, protocol: MetricProtocol | None = None) -> Tensor:
    """Score predictions under a protocol.

    Args:
        name: A metric out of `METRICS`.
        pred: N × C × H × W with C = 1 or 3; it may overshoot the range.
        target: The references: the same shape, within [0, data_range].
        protocol: What is done to both first; RGB, no crop, rounded to 8 bits by default.

    Returns:
        N values, float64.

    Raises:
        ValueError: The metric is unknown, the images do not fit each other or the protocol, or are too
            small.

    Examples:
        >>> import torch
        >>> white, gray = torch.ones(1, 3, 16, 16), torch.full((1, 3, 16, 16), 0.8)
        >>> round(measure("psnr", gray, white).item(), 2)
        13.98
    """
    metric = find_metrics([name])[name]
    protocol = metric.protocol(protocol or MetricProtocol())
    check_images(pred, target, data_range=protocol.data_range)
    pred, target = protocol.prepare(pred), protocol.prepare(target)
    if min(target.shape[-2:]) < metric.min_size:
        raise ValueError(
            f"{metric.label} needs images of {metric.min_size} px or more, but got {size_text(target.shape)} "
            "after the crop: leave it out, or use larger pictures"
        )
    if metric.needs_color:
        pred, target = pred.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1)
    return metric.function(pred, target).double().reshape(-1)
