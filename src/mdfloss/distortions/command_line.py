"""What is wrong with a distortion that was typed as an option.

jsonargparse makes the distortion (see `AnyDistortion`); where it fails, its message lists every type that was tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from .protocol import BUILT_IN, check_arguments, find_distortion, load_distortion

__all__ = ["explain_distortion"]


def explain_distortion(words: Sequence[str], *, option: str = "distortion") -> None:
    """Raise the plain reason why the words of a command line name no distortion; return where none is found.

    Args:
        words: `--distortion Jpeg --distortion.quality 10`, among others.
        option: Name of the option.

    Raises:
        ImportError: The module cannot be found or has no such attribute.
        ValueError: The thing found is no distortion, or does not take these arguments.
    """
    class_path, arguments = _typed(words, option)
    if class_path is None:
        return
    try:
        # An object of the user's is not made here: jsonargparse would have turned its arguments into their types.
        if class_path.rpartition(".")[2] in BUILT_IN:
            load_distortion(class_path, arguments)
        else:
            check_arguments(class_path, find_distortion(class_path), arguments)
    except TypeError as error:
        raise ValueError(str(error)) from error


def _typed(words: Sequence[str], option: str) -> tuple[str | None, dict[str, Any]]:
    """The class path and the arguments among the words."""
    class_path, arguments = None, {}
    for position, word in enumerate(words):
        name, equals, value = word.partition("=")
        if not equals:
            value = words[position + 1] if position + 1 < len(words) else ""
        if name == f"--{option}" and not value.startswith("{"):
            class_path = value
        elif name.startswith(f"--{option}."):
            argument = name.removeprefix(f"--{option}.").removeprefix("init_args.")
            arguments[argument] = yaml.safe_load(value)
    return class_path, arguments
