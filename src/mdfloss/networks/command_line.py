"""The option `--network`, where the parser's own error names no network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .store import find_network

__all__ = ["explain_network"]


def explain_network(words: Sequence[str]) -> None:
    """Raise the plain reason why the words of a command line name no network; return where they do, or none is named.

    Args:
        words: `--network DnCNN --network.num_layers 7`, among others.

    Raises:
        ValueError: No such network; the message lists them.
    """
    for word, following in pairwise([*words, ""]):
        option, equals, value = word.partition("=")
        name = value if equals else following
        if option == "--network" and not name.startswith("{"):
            find_network(name.rpartition(".")[2])
