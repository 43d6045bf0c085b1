"""What a distortion is, and how one is named in commands, configurations and saved files.

A distortion is any callable `(image, generator) -> image` on N×C×H×W batches: one of the library's classes, a
class or a plain function of the user's. Its name is an import path, `module.Class` or `module:Class`; the
library's own need only their short names.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

__all__ = [
    "BUILT_IN",
    "AnyDistortion",
    "Distortion",
    "NamedDistortion",
    "check_arguments",
    "check_distortion",
    "describe_distortion",
    "find_distortion",
    "load_distortion",
]

BUILT_IN: tuple[str, ...] = (
    "Compose",
    "DefocusBlur",
    "Downscale",
    "GaussianBlur",
    "GaussianNoise",
    "Jpeg",
    "MotionBlur",
    "OneOf",
    "PoissonGaussianNoise",
)
"""Short names: the classes of `mdfloss.distortions`."""

_ROOM = __package__


@runtime_checkable
class Distortion(Protocol):
    """What spoils an image: the task that is to be undone (paper section 3.1)."""

    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Distort a batch; each image gets a strength of its own.

        Args:
            image: (N, C, H, W) float in [0, 1]; not changed.
            generator: The only source of randomness: equal states give equal results.

        Returns:
            (N, C, H', W'), on the device of `image`. Noise is not clipped to [0, 1].
        """
        ...


class NamedDistortion(ABC):
    """Base of the library's own distortions: the command line knows its subclasses by their short names.

    A distortion of your own needs no base class.
    """

    @abstractmethod
    def __call__(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Distort a batch, as `Distortion` says."""


AnyDistortion = NamedDistortion | Callable[..., Any]
"""Annotation of a command's option that takes a distortion.

jsonargparse reads it as: a short name, the import path of any class whose objects can be called, or that of a
function. A callable type with its arguments spelled out would refuse functions without annotations.
"""


def load_distortion(class_path: str, init_args: Mapping[str, Any] | None = None) -> Distortion:
    """Make the distortion that a name and arguments describe; the inverse of `describe_distortion`.

    Args:
        class_path: `module.Class`, `module:Class`, `module.function`, or a short name ("GaussianNoise").
        init_args: Arguments of the class; for a function, values of its further parameters.

    Raises:
        ImportError: The module cannot be found or has no such attribute.
        TypeError: The thing found is not callable, or does not take these arguments.
    """
    found = find_distortion(class_path)
    arguments = {name: _load_nested(value) for name, value in (init_args or {}).items()}
    check_arguments(class_path, found, arguments)
    if inspect.isclass(found):
        made = found(**arguments)
    else:
        made = functools.partial(found, **arguments) if arguments else found
    if not callable(made):
        raise TypeError(f"{class_path} is no distortion: its objects cannot be called with (image, generator)")
    distortion: Distortion = made
    return distortion


def describe_distortion(distortion: Callable[..., Any]) -> dict[str, Any]:
    """Name a distortion so that `load_distortion(**description)` makes it again.

    Args:
        distortion: An object of a class that keeps each argument of `__init__` as an attribute of that name
            (every dataclass does), a function, or a `functools.partial` of one.

    Returns:
        `{"class_path": str, "init_args": dict}`, fit for JSON where the arguments are.

    Raises:
        ValueError: An argument of the class is not kept as an attribute.
    """
    if isinstance(distortion, functools.partial):
        return {"class_path": _path_of(distortion.func), "init_args": dict(distortion.keywords)}
    if inspect.isroutine(distortion):
        return {"class_path": _path_of(distortion), "init_args": {}}
    cls = type(distortion)
    if dataclasses.is_dataclass(distortion):
        names = [field.name for field in dataclasses.fields(distortion) if field.init]
    else:
        names = list(_named_parameters(cls))
    missing = [name for name in names if not hasattr(distortion, name)]
    if missing:
        raise ValueError(
            f"{_path_of(cls)} does not keep its argument '{missing[0]}': "
            f"set self.{missing[0]} in __init__, or make the class a dataclass"
        )
    return {
        "class_path": _path_of(cls),
        "init_args": {name: _describe_nested(getattr(distortion, name)) for name in names},
    }


def check_distortion(distortion: Distortion, *, channels: int = 3, size: int = 48) -> None:
    """Try a distortion on a small batch, so that a long run does not fail at its first step.

    Args:
        distortion: What to try.
        channels: Channels of the batch.
        size: Height and width of the batch, px.

    Raises:
        ValueError: It cannot be called with (image, generator), or does not return a finite floating-point tensor
            of as many dimensions, images and channels.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, channels, size, size, generator=generator)
    name = describe_distortion(distortion)["class_path"]
    try:
        inspect.signature(distortion).bind(image, generator)
    except TypeError as error:
        raise ValueError(f"{name} cannot be called with (image, generator): {error}") from error
    result: object = distortion(image.clone(), generator)
    if not isinstance(result, Tensor):
        raise ValueError(f"{name} must return a tensor N×C×H×W, got {type(result).__name__}")
    if result.ndim != 4 or result.shape[:2] != image.shape[:2]:
        raise ValueError(f"{name} was given {tuple(image.shape)} and must keep N and C, got {tuple(result.shape)}")
    if not result.is_floating_point():
        raise ValueError(f"{name} must return floating point in [0, 1], got {result.dtype}")
    if not torch.isfinite(result).all():
        raise ValueError(f"{name} returned NaN or infinite values on an image in [0, 1]")


def find_distortion(class_path: str) -> Callable[..., Any]:
    """The class or function that a path or short name names.

    Args:
        class_path: As for `load_distortion`.

    Raises:
        ImportError: The module cannot be found or has no such attribute.
        TypeError: The thing found cannot be called.
    """
    if class_path in BUILT_IN:
        named: Callable[..., Any] = getattr(importlib.import_module(_ROOM), class_path)
        return named
    module_name, _, attribute = class_path.replace(":", ".").rpartition(".")
    if not module_name:
        raise ImportError(
            f"no distortion is called '{class_path}': use {', '.join(BUILT_IN)}, or the import path "
            "of your own (my_module.MyDistortion)"
        )
    if "<locals>" in class_path or "<lambda>" in class_path:
        raise ImportError(f"{class_path} is defined inside a function: move it to the top level of a module")
    module = _import(module_name, class_path)
    if not hasattr(module, attribute):
        public = sorted(name for name, value in vars(module).items() if callable(value) and name[0] != "_")
        raise ImportError(
            f"module '{module_name}' has no '{attribute}'; it has {', '.join(public) or 'nothing to call'}"
        )
    found: object = getattr(module, attribute)
    if not callable(found):
        raise TypeError(f"{class_path} is a {type(found).__name__}, not a class or function")
    return found


def _import(module_name: str, class_path: str) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ImportError(
            f"no module '{module_name}' for the distortion {class_path}: modules are looked for in the "
            "folder where the command runs and among the installed packages"
        ) from error


def _named_parameters(function: Any) -> dict[str, inspect.Parameter]:
    """The parameters that can be given by name."""
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    parameters = inspect.signature(function).parameters
    return {name: parameter for name, parameter in parameters.items() if parameter.kind in by_name}


def check_arguments(class_path: str, found: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Check that a class, or a function beyond its (image, generator), takes these arguments.

    Args:
        class_path: Name of `found`, for the messages.
        found: Class or function.
        arguments: What it would be given.

    Raises:
        TypeError: It has no such argument, or needs another.
    """
    parameters = _named_parameters(found)
    accepted = parameters if inspect.isclass(found) else dict(list(parameters.items())[2:])
    takes_any = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(found).parameters.values())
    unknown = [name for name in arguments if name not in accepted]
    if unknown and not takes_any:
        options = ", ".join(accepted) or "none"
        raise TypeError(f"{class_path} takes no argument '{unknown[0]}'; it takes {options}")
    required = [name for name, p in accepted.items() if p.default is p.empty and name not in arguments]
    if required:
        raise TypeError(f"{class_path} needs the argument '{required[0]}'")


def _path_of(thing: Any) -> str:
    if thing.__module__.startswith(f"{_ROOM}.") and thing.__qualname__ in BUILT_IN:
        return f"{_ROOM}.{thing.__qualname__}"
    return f"{thing.__module__}.{thing.__qualname__}"


def _describe_nested(value: Any) -> Any:
    """An argument as JSON can hold it: distortions inside it become descriptions, tuples lists."""
    if isinstance(value, (list, tuple)):
        return [_describe_nested(item) for item in value]
    return describe_distortion(value) if callable(value) else value


def _load_nested(value: Any) -> Any:
    if isinstance(value, Mapping) and "class_path" in value:
        return load_distortion(value["class_path"], value.get("init_args"))
    return [_load_nested(item) for item in value] if isinstance(value, list) else value
