import dataclasses
from pathlib import Path

import pytest
import torch

from mdfloss.bank import BankFileError, DiscriminatorBank
from mdfloss.distortions import GaussianNoise, Jpeg
from mdfloss.fitting import CheckpointError, FitConfig
from mdfloss.fitting.request import Request, bank_card, fit_request, load_finished, pixel_hash

CONFIG = FitConfig(num_scales=2, rho=1.5, width=4, iterations=3)


def _request(**changes) -> Request:
    options = {"distortion": GaussianNoise(), "config": CONFIG, "task": "denoise", "image": torch.zeros(1, 3, 8, 9)}
    options |= {"chroma": None, **changes}
    named = {name: options[name] for name in ("task", "chroma")}
    return fit_request([options["image"]], options["distortion"], options["config"], **named)


def test_the_hash_is_of_pixels_and_shape():
    image = torch.zeros(1, 3, 8, 9)
    assert pixel_hash(image) == pixel_hash(image.clone())
    assert pixel_hash(image) != pixel_hash(image.reshape(1, 3, 9, 8))
    changed = image.clone()
    changed[0, 0, 0, 0] = 1 / 65535
    assert pixel_hash(image) != pixel_hash(changed)


def test_gray_is_the_same_seed_as_its_three_equal_channels():
    gray = torch.rand(1, 1, 8, 9)
    assert _request(image=gray) == _request(image=gray.expand(-1, 3, -1, -1))


def test_equal_requests_do_not_differ():
    assert _request().differences(_request().flat()) == []


def test_chroma_is_a_part_of_the_request_and_of_the_card():
    request = _request(chroma=0.62)
    assert request.differences(_request().flat()) == ["chroma was None, now 0.62"]
    assert bank_card(request, CONFIG, licence="", source="").fit["chroma"] == 0.62


def test_differences_are_named():
    other = _request(
        distortion=Jpeg(), task="jpeg", config=FitConfig(num_scales=2, rho=1.5, width=8, iterations=3)
    ).flat()
    named = " ".join(_request().differences(other))
    assert "task was 'jpeg', now 'denoise'" in named
    assert "width was 8, now 4" in named
    assert "mdfloss.distortions.Jpeg" in named
    assert "iterations" not in named


@dataclasses.dataclass(frozen=True)
class Blend:
    other: torch.Tensor

    def __call__(self, image: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return (image + self.other) / 2


def test_arguments_that_no_card_can_keep_are_refused():
    with pytest.raises(ValueError, match=r"Blend cannot be kept in the bank's card .*: let the distortion take"):
        _request(distortion=Blend(torch.zeros(1)))


def _card(**changes):
    return bank_card(_request(**changes), changes.get("config", CONFIG), licence="CC0-1.0", source="test")


def test_the_card_is_complete():
    card = _card()
    assert card.widths == (4, 4)
    assert card.input_range == (-1, 1)
    assert card.distortion["class_path"] == "mdfloss.distortions.GaussianNoise"
    assert card.rho == 1.5
    assert card.iterations == 3
    assert card.fit == dataclasses.asdict(CONFIG)
    assert card.seed_sha256 == (pixel_hash(torch.zeros(1, 3, 8, 9)),)
    assert (card.licence, card.source) == ("CC0-1.0", "test")
    assert card.library_version


def test_a_finished_bank_is_known_by_its_card(tmp_path: Path, tiny_bank: DiscriminatorBank):
    path = tmp_path / "bank.safetensors"
    with pytest.raises(FileNotFoundError, match="no bank"):
        load_finished(path, _card())
    card = _card()
    from mdfloss.bank import Discriminator

    DiscriminatorBank([Discriminator(4), Discriminator(4)], card).save(path)
    assert load_finished(path, card).card == card
    with pytest.raises(CheckpointError, match=r"bank of another fit: task was 'denoise', now 'grain'"):
        load_finished(path, _card(task="grain"))
    with pytest.raises(CheckpointError, match="random_seed was 0, now 7"):
        load_finished(path, _card(config=dataclasses.replace(CONFIG, random_seed=7)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BankFileError, match="not a whole"):
        load_finished(path, card)
