from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import safetensors.torch
import torch

import mdfloss
from mdfloss.networks import (
    NETWORKS,
    DnCNN,
    NetworkFileError,
    RestorationNetwork,
    build_network,
    load_network,
    read_card,
    save_network,
)

NOISE = {"class_path": "mdfloss.distortions.GaussianNoise", "init_args": {"sigma": [0, 55]}}


@pytest.fixture
def network() -> DnCNN:
    return DnCNN(num_layers=3, num_features=4, batch_norm=True)


def test_saved_and_loaded_it_is_the_same(network: DnCNN, tmp_path: Path, generator: torch.Generator) -> None:
    path = tmp_path / "net.safetensors"
    save_network(network, path, distortion=NOISE, loss="l1", step=7)
    loaded, card = load_network(path), read_card(path)
    image = torch.rand(1, 3, 37, 31, generator=generator)
    assert torch.equal(loaded(image), network.eval()(image))
    assert not loaded.training
    assert (card.network, card.arguments, card.distortion) == ("DnCNN", network.arguments, NOISE)
    assert (card.loss, card.step, card.library_version) == ("l1", 7, mdfloss.__version__)


def test_the_folder_of_a_run_stands_for_its_best_network(network: DnCNN, tmp_path: Path) -> None:
    save_network(network, tmp_path / "best.safetensors")
    assert load_network(tmp_path).arguments == network.arguments


def test_an_existing_file_is_kept_unless_forced(network: DnCNN, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="pass --force"):
        save_network(network, path)
    assert path.read_bytes() == b"precious"
    save_network(network, path, force=True)
    load_network(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_name_builds_its_class(name: str) -> None:
    assert type(build_network(name)) is NETWORKS[name]


def test_unknown_names_and_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match=r"network must be one of DnCNN.*, got 'UNet'"):
        build_network("UNet")
    with pytest.raises(ValueError, match=r"DnCNN cannot be built from .*'depth'"):
        build_network("DnCNN", depth=3)


def test_a_foreign_class_cannot_be_saved(tmp_path: Path) -> None:
    class Mine(RestorationNetwork):
        pass

    with pytest.raises(ValueError, match="can be saved by name"):
        save_network(Mine(in_channels=3, arguments={}), tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"saved as \.safetensors"):
        save_network(DnCNN(num_layers=2), tmp_path / "net.pth")


def test_damage_is_noticed(network: DnCNN, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_network(network, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NetworkFileError, match=r"not a whole \.safetensors file"):
        load_network(path)
    body = 8 + int.from_bytes(whole[:8], "little")
    place = random.Random(0).randrange(body, len(whole))
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    with pytest.raises(NetworkFileError, match="do not match their checksum"):
        load_network(path)
    path.write_text("no network")
    with pytest.raises(NetworkFileError, match=r"not a whole \.safetensors file"):
        load_network(path)
    with pytest.raises(FileNotFoundError, match="there is no network at"):
        load_network(tmp_path / "absent.safetensors")


def _write(path: Path, network: DnCNN, changes: dict[str, object]) -> None:
    """A network file whose card is changed, with a true checksum."""
    save_network(network, path)
    with safetensors.safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    card = json.loads(metadata["mdfloss_network"]) | changes
    metadata["mdfloss_network"] = json.dumps(card)
    safetensors.torch.save_file(network.state_dict(), path, metadata=metadata)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"format_version": 99}, "format version 99, this mdfloss reads up to 1: upgrade"),
        ({"colour": "red"}, "the card in the header cannot be read"),
        ({"network": "UNet"}, "does not hold the network its card describes"),
        ({"arguments": {"num_layers": 9}}, "does not hold the network its card describes"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    network: DnCNN, tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "net.safetensors"
    _write(path, network, changes)
    with pytest.raises(NetworkFileError, match=message):
        load_network(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bank.safetensors"
    safetensors.torch.save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(NetworkFileError, match="has no mdfloss network card"):
        load_network(path)
