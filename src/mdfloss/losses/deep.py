"""Losses in the feature space of classification networks: VGG and LPIPS.

The networks' weights belong to torchvision and are downloaded by it at first use, or read from a file that you name.
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

from .base import ImageLoss

__all__ = ["LPIPSLoss", "VGGLoss", "trunk_weights"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

VGG_LAYERS = 35
"""Layers of VGG19 up to conv5_4, before its ReLU."""


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
                f"at {file}, or name its path in the loss, as in vgg:PATH"
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


class VGGLoss(ImageLoss):
    """Mean squared difference of VGG19's conv5_4 maps before their ReLU (the layer of ESRGAN, Wang et al. 2018).

    Args:
        weights: File of torchvision's VGG19; see `trunk_weights`.

    Raises:
        OSError: The weights are not at hand.
        ValueError: The file holds something else.
    """

    min_size = 16
    mean: Tensor
    std: Tensor

    def __init__(self, *, weights: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        import torchvision

        state = trunk_weights("vgg19", weights)
        with torch.device("meta"):
            self.features: nn.Sequential = torchvision.models.vgg19(weights=None).features[:VGG_LAYERS]
        wanted = self.features.state_dict()
        try:
            self.features.load_state_dict({key: v for key, v in state.items() if key in wanted}, assign=True)
        except RuntimeError as error:
            raise ValueError(f"{weights} does not hold torchvision's vgg19: {error}") from error
        for layer in self.features:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False)

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        with torch.no_grad():
            wanted = self._maps(target)
        return (self._maps(pred) - wanted).square().mean((1, 2, 3))

    def _maps(self, image: Tensor) -> Tensor:
        maps: Tensor = self.features((image.expand(-1, 3, -1, -1) - self.mean) / self.std)
        return maps


class LPIPSLoss(ImageLoss):
    """LPIPS of AlexNet, version 0.1 (Zhang et al., CVPR 2018), by the lpips package; needs `mdfloss[losses]`.

    It expects [-1, 1]; the conversion from [0, 1] is made here.

    Args:
        weights: File of torchvision's AlexNet; see `trunk_weights`.

    Raises:
        ModuleNotFoundError: The lpips package is missing.
        OSError: The weights are not at hand.
        ValueError: The file holds something else.
    """

    min_size = 31

    def __init__(self, *, weights: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        try:
            import lpips
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError('the lpips loss needs its package: pip install "mdfloss[losses]"') from error
        state = trunk_weights("alexnet", weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # lpips asks torchvision for its network in an outdated way
            self.network = lpips.LPIPS(net="alex", version="0.1", pnet_rand=True, verbose=False)
        # lpips cuts AlexNet into slices but keeps the numbers of its layers: slice2.3.weight is 3.weight.
        keys = {key: key.split(".", 1)[1] for key in self.network.net.state_dict()}
        try:
            self.network.net.load_state_dict({key: state[theirs] for key, theirs in keys.items()})
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"{weights} does not hold torchvision's alexnet: {error}") from error
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> LPIPSLoss:  # noqa: ARG002
        """Stay in eval mode: lpips has dropout."""
        return super().train(False)

    def distance(self, pred: Tensor, target: Tensor) -> Tensor:
        """See the class."""
        pred, target = pred.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1)
        values: Tensor = self.network(2 * pred - 1, 2 * target - 1)
        return values.reshape(-1)
