"""Classification networks that distances are measured in: torchvision's weights, and LPIPS of the lpips package.

The weights belong to torchvision and are downloaded by it at first use, or read from a file that you name.
"""

from __future__ import annotations

import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

__all__ = ["LPIPS_MIN_SIZE", "lpips_distance", "lpips_network", "trunk_weights"]

LPIPS_MIN_SIZE = 31
"""Smallest side of an image that AlexNet's convolutions leave something of, in px."""


def trunk_weights(name: str, path: str | os.PathLike[str] | None = None) -> dict[str, Tensor]:
    """Weights of a classification network's convolutions.

    Args:
        name: "vgg19" or "alexnet".
        path: A `.pth` or `.safetensors` file of torchvision's network; by default torchvision's own, from its cache
            or, the first time, from the network.

    Returns:
        `"0.weight"`, …: the keys of torchvision's `features`.

    Raises:
        FileNotFoundError: No file at `path`.
        OSError: The file is not at hand and cannot be downloaded; the message says where to put it.
        ValueError: The file is damaged, or holds something else.
    """
    import torchvision

    state: dict[str, Tensor]
    if path is None:
        weights: Any = torchvision.models.get_model_weights(name).IMAGENET1K_V1
        file = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
        try:
            state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"the weights of {name} are not at hand and {weights.url} could not be had ({error}): put the file "
                f"at {file}; a loss may name another place, as in vgg:PATH"
            ) from error
    else:
        state = _read(Path(path), name)
    features = {key.removeprefix("features."): value for key, value in state.items() if "classifier" not in key}
    if "0.weight" not in features:
        raise ValueError(f"{path} does not hold torchvision's {name}: it lacks features.0.weight")
    return features


def _read(path: Path, name: str) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights of {name} at {path}")
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch remarks on foreign pickles before it refuses them
            state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (safetensors.SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is damaged, or does not hold weights of {name}: {error}") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path} does not hold torchvision's {name}: it is a {type(state).__name__}")
    return state


def lpips_network(weights: str | os.PathLike[str] | None = None) -> nn.Module:
    """LPIPS of AlexNet, version 0.1 (Zhang et al., CVPR 2018), frozen; it sees images in [-1, 1].

    Args:
        weights: File of torchvision's AlexNet; see `trunk_weights`.

    Returns:
        The package's module, in eval mode: it has dropout.

    Raises:
        ModuleNotFoundError: The lpips package is missing.
        OSError: The weights are not at hand.
        ValueError: The file holds something else.
    """
    try:
        import lpips
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError('LPIPS needs the package lpips: pip install "mdfloss[losses]"') from error
    state = trunk_weights("alexnet", weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # lpips asks torchvision for its network in an outdated way
        network: nn.Module = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
    trunk = network.get_submodule("net")
    # lpips cuts AlexNet into slices but keeps the numbers of its layers: slice2.3.weight is 3.weight.
    keys = {key: key.split(".", 1)[1] for key in trunk.state_dict()}
    try:
        trunk.load_state_dict({key: state[theirs] for key, theirs in keys.items()})
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{weights} does not hold torchvision's alexnet: {error}") from error
    return network.requires_grad_(False).eval()


def lpips_distance(network: nn.Module, pred: Tensor, target: Tensor) -> Tensor:
    """The distance of each image, converted to the range that the network expects.

    Args:
        network: As `lpips_network` gives it.
        pred: N × 3 × H × W in [0, 1], 31 px or more each way.
        target: The same shape.

    Returns:
        N distances.
    """
    values: Tensor = network(2 * pred - 1, 2 * target - 1)
    return values.reshape(-1)
