"""The command line: a name for each command, looked up and imported only when it is asked for."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
import traceback
from argparse import HelpFormatter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args, get_origin, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser
from rich.console import Console

from .distortions import explain_distortion
from .networks import explain_network
from .version import __version__

__all__ = ["COMMANDS", "main"]

COMMANDS: dict[str, tuple[str, str]] = {
    "demo": ("mdfloss.commands.demo:demo", "the main job on sample photographs, in ten minutes"),
    "fit": ("mdfloss.commands.fit:fit", "train a loss for a distortion from seed images (phase 1)"),
    "train": ("mdfloss.commands.train:train", "train a restoration network with a loss (phase 2)"),
    "restore": ("mdfloss.commands.restore:restore", "restore pictures with a trained network"),
    "data get": ("mdfloss.commands.data:get", "download a public image set, with its terms"),
    "data shard": ("mdfloss.commands.data:shard", "make shards of a folder, from which a training can stream"),
    "compare": ("mdfloss.commands.compare:compare", "train a grid of losses, and show which restores best"),
    "inspect": ("mdfloss.commands.inspect:inspect", "look at losses before training: gains, borders, condition number"),
    "evaluate": ("mdfloss.commands.evaluate:evaluate", "score restored pictures against their references"),
    "bench": ("mdfloss.commands.bench:bench", "measure what every loss costs on this machine"),
    "study init": ("mdfloss.commands.study:study_init", "make a pairwise study of pictures from folders of results"),
    "study serve": ("mdfloss.commands.study:study_serve", "serve a study on the web"),
    "study analyze": ("mdfloss.commands.study:study_analyze", "scale votes to JND, with intervals and tests"),
    "study simulate": ("mdfloss.commands.study:study_simulate", "plan how many participants a study needs"),
    "condition": ("mdfloss.commands.condition:condition", "whiten a bank for a distortion, the authors' too"),
    "import-official": (
        "mdfloss.commands.import_official:import_official",
        "convert the authors' released weights",
    ),
}
"""Command → (import path of its function, one line of help); a command of two words has a space in its name."""


class _Parser(ArgumentParser):
    """Shows options as they are usually typed: with hyphens, flags without a value, -o for the output."""

    def format_help(self, formatter: HelpFormatter | None = None) -> str:
        text = re.sub(r"--\w[\w.]*", lambda option: option[0].replace("_", "-"), super().format_help(formatter))
        return re.sub(r"^  --output ", "  -o, --output ", text.replace(" {true,false}", ""), flags=re.MULTILINE)


def _usage() -> str:
    width = max(map(len, COMMANDS)) + 2
    rows = "\n".join(f"  {name:<{width}}{line}" for name, (_, line) in COMMANDS.items())
    return (
        "usage: mdfloss COMMAND [options]\n\nTrain a task-specific image reconstruction loss, and use it.\n\n"
        f"commands:\n{rows}\n\nmdfloss COMMAND --help shows a command's options; mdfloss --version the version."
    )


def _split(args: Sequence[str]) -> tuple[str, list[str]] | None:
    """The command that `args` begin with, and the rest; None if there is none."""
    for words in (2, 1):
        name = " ".join(args[:words])
        if name in COMMANDS:
            return name, list(args[words:])
    return None


def _spell_out(args: Sequence[str], function: Callable[..., None]) -> list[str]:
    """`--batch-size 8 --force -o x --metrics a,b` as the parser wants it.

    That is `--batch_size 8 --force=true --output x --metrics [a,b]`.
    """
    parameters = inspect.signature(function).parameters
    flags = {f"--{name}" for name, parameter in parameters.items() if parameter.annotation in (bool, "bool")}
    lists = {
        f"--{name}"
        for name, parameter in parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and str(parameter.annotation).startswith(("list[", "tuple["))
    }
    spelled: list[str] = []
    for position, arg in enumerate(args):
        if spelled and spelled[-1] in lists:
            spelled.append(_as_list(arg))
            continue
        name, equals, value = arg.partition("=")
        if name == "-o":
            name = "--output"
        elif name.startswith("--"):
            name = name.replace("-", "_").replace("__", "--", 1)
        following = args[position + 1] if position + 1 < len(args) else ""
        if name in flags and not equals and following not in ("true", "false"):
            equals, value = "=", "true"
        if name in lists and equals:
            value = _as_list(value)
        spelled.append(name + equals + value if name.startswith("--") else arg)
    return spelled


def _as_list(words: str) -> str:
    return words if words.startswith("[") else f"[{words}]"


def _files_first(words: Sequence[str], presets: Mapping[str, Path]) -> list[str]:
    """Presets, as the files that they are, then --config, then the rest: of two values the parser takes the last."""
    by_preset: list[str] = []
    by_config: list[str] = []
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if name in ("--preset", "--config") and not equals and left:
            value = left.pop(0)
            word = f"{name}={value}"
        if name == "--preset" and value in presets:
            by_preset.append(f"--config={presets[value]}")
        else:
            (by_config if name == "--config" else rest).append(word)
    return [*by_preset, *by_config, *rest]


_SINGULAR = {"seeds": "seed", "inputs": "input", "losses": "loss"}
"""What one of several words by place is called."""


class _Word(NamedTuple):
    """A parameter that is given by its place: how many words, of which type, and what the docstring says of it."""

    places: str | None
    kind: type
    text: str


def _words_by_place(function: Callable[..., None]) -> dict[str, _Word]:
    """The positional parameters of a function one of which takes one or more words, `SEED...`; else none.

    The parser would read a list as one word of YAML, and would put these after those that it adds itself.
    """
    types = get_type_hints(function)
    found: dict[str, _Word] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            text = re.search(rf"^ +{name}: (.*)$", inspect.getdoc(function) or "", re.MULTILINE)
            is_list = get_origin(types[name]) is list
            kind = get_args(types[name])[0] if is_list else types[name]
            found[name] = _Word("+" if is_list else None, kind, text[1] if text else "")
    return found if any(word.places for word in found.values()) else {}


def _run(name: str, args: Sequence[str]) -> None:
    """Parse a command's options and call its function."""
    module_name, _, function_name = COMMANDS[name][0].partition(":")
    module = importlib.import_module(module_name)
    function = getattr(module, function_name)
    presets: Mapping[str, Path] = getattr(module, "PRESETS", {})
    parser = _Parser(prog=f"mdfloss {name}", description=COMMANDS[name][1], exit_on_error=False)
    parser.add_argument("--config", action="config", help="YAML file with options; the command line wins")
    if presets:
        parser.add_argument("--preset", choices=sorted(presets), help="a recipe; --config and other options win")
    by_place = _words_by_place(function)
    for key, word in by_place.items():
        parser.add_argument(
            key, nargs=word.places, type=word.kind, metavar=_SINGULAR.get(key, key).upper(), help=word.text
        )
    parser.add_function_arguments(function, as_positional=True, skip=set(by_place))
    words = _files_first(_spell_out(args, function), presets)
    try:
        options = parser.instantiate(parser.parse_args(words))
    except (ArgumentError, ValueError) as error:
        explain_distortion(words)
        explain_network(words)
        raise ValueError(f"{error}\nmdfloss {name} --help lists the options") from error
    files = ("config", "preset") if presets else ("config",)
    function(**{key: value for key, value in options.as_dict().items() if key not in files})


def main(args: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        args: Command and options; those of the process by default.

    Returns:
        The exit status: 0, 1 after an error that is the input's, 2 for an unknown command, 130 when interrupted.
    """
    args = sys.argv[1:] if args is None else list(args)
    console, errors = Console(), Console(stderr=True)
    if not args or args[0] in ("-h", "--help"):
        console.print(_usage(), markup=False, highlight=False)
        return 0
    if args[0] == "--version":
        console.print(__version__, highlight=False)
        return 0
    found = _split(args)
    if found is None:
        errors.print(f"mdfloss: no command '{args[0]}'\n\n{_usage()}", markup=False, highlight=False)
        return 2
    name, rest = found
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  a user's own distortion is found where the command is run
    try:
        _run(name, rest)
    except SystemExit as stop:  # the parser has said what was wrong, or printed its help
        return int(stop.code or 0)
    except KeyboardInterrupt:
        errors.print("interrupted", markup=False)
        return 130
    except (ValueError, OSError, ImportError) as error:
        if os.environ.get("MDFLOSS_DEBUG"):
            traceback.print_exc()
        errors.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0
