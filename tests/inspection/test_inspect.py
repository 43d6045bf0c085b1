"""The whole inspection: its numbers fit together, repeat, and go into JSON."""

import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from mdfloss.inspection import InspectConfig, InspectedLoss, Inspection, inspect_losses
from mdfloss.inspection.curvature import FeatureForm, Term

SMALL = InspectConfig(
    num_crops=2, crop_size=24, response_size=32, block_size=2, frequencies=(1 / 12, 1 / 4), orientations=(0.0, 90.0)
)


def l2(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).square().mean()


def l1(pred: Tensor, target: Tensor) -> Tensor:
    return (pred - target).abs().mean()


def layers(pred: Tensor, target: Tensor) -> Tensor:
    return torch.stack([0.25 * l2(pred, target), 0.75 * l2(pred, target)]).view(1, 2)


@pytest.fixture
def pictures(generator: torch.Generator) -> list[Tensor]:
    return [torch.rand(1, 3, 40, 50, generator=generator) for _ in range(2)]


@pytest.fixture
def inspected(pictures: list[Tensor]) -> list[Inspection]:
    form = FeatureForm([lambda image: [image]], absolute=False)
    losses = [InspectedLoss("l2", l2, [Term(l2, form=form)], layers), InspectedLoss("l1", l1)]
    return list(inspect_losses(losses, pictures, config=SMALL))


def test_summaries_of_the_flat_losses(inspected: list[Inspection]) -> None:
    squared, absolute = (found.summary for found in inspected)
    assert squared == pytest.approx((2, 1, 1, 1, 1, 1), abs=1e-2)
    assert absolute.exponent == pytest.approx(1, abs=1e-2)
    assert (absolute.condition, absolute.spread, absolute.border_to_centre) == pytest.approx((1, 1, 1), abs=1e-2)
    assert inspected[0].layers is not None
    assert inspected[0].layers.share[0].tolist() == pytest.approx([0.25, 0.75])
    assert inspected[1].layers is None


def test_an_inspection_is_json_and_repeats(inspected: list[Inspection], pictures: list[Tensor]) -> None:
    text = json.dumps([found.to_json() for found in inspected], allow_nan=False)
    document = json.loads(text)[0]
    assert document["summary"]["condition"] == pytest.approx(1, abs=1e-2)
    assert set(document["response"]) == {"psnr", "noise", "blur", "JPEG", "grating", "contrast", "brightness"}
    assert document["layers"]["share"] == [pytest.approx([0.25, 0.75])]
    again = next(iter(inspect_losses([InspectedLoss("l1", l1)], pictures, config=SMALL)))
    assert again.to_json() == json.loads(text)[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop_size": 20}, "crop_size must be at least 24, got 20"),
        ({"num_crops": 0}, "num_crops must be at least 1, got 0"),
        ({"sigma": 0.0}, "sigma must be positive"),
    ],
)
def test_options_are_checked(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        InspectConfig(**change)


@pytest.mark.parametrize(
    ("loss", "message"), [(lambda pred, target: 0 * l2(pred, target), "blind: the loss does not grow")]
)
def test_errors_name_the_loss(loss: Callable[[Tensor, Tensor], Tensor], message: str, pictures: list[Tensor]) -> None:
    with pytest.raises(ValueError, match=message):
        list(inspect_losses([InspectedLoss("blind", loss)], pictures, config=SMALL))
