"""Metrics against scikit-image and their own libraries, and the protocol's arithmetic."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.color import rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio as peak_signal_noise_ratio_of_torchmetrics

from mdfloss.evaluation import METRICS, MetricProtocol, measure
from mdfloss.images import read_image, write_image

PLAIN = MetricProtocol(rounding=False)


def as_array(image: Tensor) -> np.ndarray:
    return image.permute(1, 2, 0).double().numpy()


@pytest.fixture
def noisy(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two smooth pictures, the second with ten times the noise of the first, and their references: 2×3×67×51."""
    coarse = torch.rand(2, 3, 9, 7, generator=generator)
    target = torch.nn.functional.interpolate(coarse, (67, 51), mode="bicubic").clamp(0, 1)
    strength = torch.tensor([0.02, 0.2]).reshape(2, 1, 1, 1)
    return target + strength * torch.randn(target.shape, generator=generator), target


def test_psnr_equals_scikit_image_for_each_image(noisy: tuple[Tensor, Tensor]) -> None:
    pred, target = noisy
    expected = [peak_signal_noise_ratio(as_array(target[i]), as_array(pred[i]), data_range=1) for i in range(len(pred))]
    assert measure("psnr", pred, target, protocol=PLAIN).tolist() == pytest.approx(expected, abs=1e-5)


def test_ssim_equals_torchmetrics_inside_the_border(noisy: tuple[Tensor, Tensor]) -> None:
    from torchmetrics.functional.image import structural_similarity_index_measure

    _, similarity = structural_similarity_index_measure(
        noisy[0].double(), noisy[1].double(), data_range=1.0, sigma=1.5, return_full_image=True, reduction="none"
    )
    expected = similarity[..., 5:-5, 5:-5].mean(dim=(1, 2, 3)).tolist()
    assert measure("ssim", *noisy, protocol=PLAIN).tolist() == pytest.approx(expected, abs=1e-9)


def test_luma_is_that_of_matlab(noisy: tuple[Tensor, Tensor]) -> None:
    _, target = noisy
    seen = MetricProtocol(color_space="y", rounding=False).prepare(target)
    for image, luma in zip(target, seen, strict=True):
        expected = rgb2ycbcr(as_array(image))[..., 0] / 255
        np.testing.assert_allclose(luma[0].numpy(), expected, atol=1e-6)


def test_gray_scores_as_rgb_with_equal_channels(noisy: tuple[Tensor, Tensor]) -> None:
    pred, target = (image[:, :1] for image in noisy)
    for space in ("rgb", "y"):
        protocol = MetricProtocol(color_space=space)
        gray = measure("psnr", pred, target, protocol=protocol)
        repeated = measure("psnr", pred.repeat(1, 3, 1, 1), target.repeat(1, 3, 1, 1), protocol=protocol)
        assert torch.allclose(gray, repeated)


def test_crop_and_rounding_and_range() -> None:
    target = torch.zeros(1, 3, 20, 30)
    pred = target.clone()
    pred[..., :4, :] = 1
    assert measure("psnr", pred, target, protocol=MetricProtocol(crop_border=4)).isinf()
    assert measure("psnr", target + 0.4 / 255, target).isinf()
    assert not measure("psnr", target + 0.4 / 255, target, protocol=PLAIN).isinf()
    assert measure("psnr", target - 5, target).isinf(), "rounding clips what saving would clip"
    wide = MetricProtocol(data_range=255)
    assert torch.equal(measure("psnr", 255 * pred, 255 * target, protocol=wide), measure("psnr", pred, target))


@pytest.mark.parametrize(
    ("name", "identical"),
    [("ssim", 1), ("ms_ssim", 1), ("haarpsi", 1), ("mdsi", 0), ("vsi", 1), ("gmsd", 0), ("jod", 10)],
)
def test_direction_and_value_of_identical_pictures(name: str, identical: float, generator: torch.Generator) -> None:
    if name == "jod":
        pytest.importorskip("pycvvdp")
    target = torch.rand(1, 3, 168, 170, generator=generator)
    noise = torch.randn(target.shape, generator=generator)
    values = [measure(name, target + sigma * noise, target).item() for sigma in (0, 0.05, 0.3)]
    assert values[0] == pytest.approx(identical, abs=1e-4)
    assert values == sorted(values, reverse=METRICS[name].higher_is_better)


def test_measures_of_color_ignore_the_protocols_luma(noisy: tuple[Tensor, Tensor]) -> None:
    protocol = MetricProtocol(color_space="y", crop_border=2)
    assert str(METRICS["mdsi"].protocol(protocol)) == "RGB, 2 px cropped, rounded to 8 bits, data range 1"
    rgb = MetricProtocol(crop_border=2)
    assert torch.equal(measure("mdsi", *noisy, protocol=protocol), measure("mdsi", *noisy, protocol=rgb))


def test_headings_are_axis_labels_with_a_direction() -> None:
    assert (METRICS["psnr"].axis_label, METRICS["psnr"].heading) == ("PSNR [dB]", "PSNR [dB] ↑")
    assert (METRICS["mdsi"].axis_label, METRICS["mdsi"].heading) == ("MDSI", "MDSI ↓")


def test_piq_value(noisy: tuple[Tensor, Tensor]) -> None:
    import piq

    pred, target = noisy[0].clamp(0, 1), noisy[1]
    expected = piq.haarpsi(pred, target, reduction="none")
    assert torch.allclose(measure("haarpsi", pred, target, protocol=PLAIN), expected.double(), atol=1e-6)


def test_protocol_says_what_it_is() -> None:
    assert str(MetricProtocol()) == "RGB, no crop, rounded to 8 bits, data range 1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"color_space": "yuv"}, "color_space must be one of .'rgb', 'y'., but is 'yuv'"),
        ({"crop_border": -1}, "crop_border must be 0 or more pixels, but is -1"),
        ({"data_range": 0}, "data_range must be positive, but is 0"),
    ],
)
def test_protocol_refuses(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MetricProtocol(**options)


def test_measure_refuses(pair: tuple[Tensor, Tensor]) -> None:
    pred, target = pair
    with pytest.raises(ValueError, match=r"metrics must be among psnr, ssim.*but 'snr' was asked for"):
        measure("snr", pred, target)
    with pytest.raises(ValueError, match="one shape"):
        measure("psnr", pred[..., 1:], target)
    with pytest.raises(ValueError, match=r"target must be within \[0, 1\]"):
        measure("psnr", 255 * pred, 255 * target)
    with pytest.raises(ValueError, match="MS-SSIM needs images of 161 px or more, but got 37×31 px"):
        measure("ms_ssim", pred, target)
    with pytest.raises(ValueError, match="crop_border=16 leaves nothing of an image of 37×31 px"):
        measure("psnr", pred, target, protocol=MetricProtocol(crop_border=16))


def _by_scikit_image(pred: np.ndarray, target: np.ndarray, protocol: MetricProtocol) -> tuple[float, float]:
    """PSNR and SSIM of two H × W × 3 arrays of 8 bits, by another route: NumPy and scikit-image alone."""
    border = protocol.crop_border
    images = [image[border:-border, border:-border] if border else image for image in (pred, target)]
    if protocol.color_space == "y":
        images = [rgb2ycbcr(image)[..., :1] / 255 for image in images]
    else:
        images = [image.astype(np.float64) / 255 for image in images]
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": 2}
    return (
        peak_signal_noise_ratio(images[1], images[0], data_range=1),
        structural_similarity(images[1], images[0], data_range=1, **options),
    )


@pytest.mark.data
@pytest.mark.parametrize("name", ["set5/butterfly_GT.png", "set14/bridge.png", "live1/monarch.png"])
@pytest.mark.parametrize("space", ["rgb", "y"])
@pytest.mark.parametrize("border", [0, 4])
def test_real_pictures_score_as_scikit_image_says(
    name: str, space: Literal["rgb", "y"], border: int, data_dir: Path, tmp_path: Path
) -> None:
    with Image.open(data_dir / name) as original:
        target = np.asarray(original.convert("RGB"))
        original.convert("RGB").save(tmp_path / "pred.jpg", quality=20)
    with Image.open(tmp_path / "pred.jpg") as compressed:
        pred = np.asarray(compressed)
    protocol = MetricProtocol(color_space=space, crop_border=border)
    expected = _by_scikit_image(pred, target, protocol)
    images = read_image(tmp_path / "pred.jpg"), read_image(data_dir / name)
    found = [measure(metric, *images, protocol=protocol).item() for metric in ("psnr", "ssim")]
    assert found == pytest.approx(expected, abs=1e-5)
    by_torchmetrics = peak_signal_noise_ratio_of_torchmetrics(*map(protocol.prepare, images), data_range=1.0)
    assert found[0] == pytest.approx(by_torchmetrics.item(), abs=1e-6)


@pytest.mark.data
def test_rounding_is_what_saving_does(data_dir: Path, tmp_path: Path, generator: torch.Generator) -> None:
    target = read_image(data_dir / "set5" / "woman_GT.png")
    pred = target + 0.1 * torch.randn(target.shape, generator=generator)
    write_image(tmp_path / "pred.png", pred)
    saved = measure("psnr", read_image(tmp_path / "pred.png"), target, protocol=PLAIN)
    assert measure("psnr", pred, target).item() == pytest.approx(saved.item(), abs=1e-6)
    assert abs(measure("psnr", pred, target, protocol=PLAIN).item() - saved.item()) > 0.01


@pytest.mark.data
def test_luma_scores_about_two_decibels_more_than_rgb(data_dir: Path) -> None:
    from mdfloss.distortions import resize

    differences, cropped = [], []
    for path in sorted((data_dir / "set5").glob("*.png")):
        image = read_image(path)
        image = image[..., : image.shape[-2] // 4 * 4, : image.shape[-1] // 4 * 4]
        height, width = image.shape[-2:]
        upscaled = resize(resize(image, (height // 4, width // 4), kernel="bicubic"), (height, width), kernel="bicubic")
        scores = [
            measure("psnr", upscaled, image, protocol=MetricProtocol(color_space=space, crop_border=border)).item()
            for space, border in (("rgb", 0), ("y", 0), ("y", 4))
        ]
        differences.append(scores[1] - scores[0])
        cropped.append(scores[2] - scores[1])
    assert np.mean(differences) == pytest.approx(1.7, abs=0.4)
    assert 0 < np.mean(cropped) < 0.3
