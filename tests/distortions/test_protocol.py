"""Naming distortions: in code, in files, and on the command line as jsonargparse reads it."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser

import mdfloss.distortions as room
from mdfloss.distortions import (
    BUILT_IN,
    AnyDistortion,
    Compose,
    Distortion,
    GaussianNoise,
    Jpeg,
    NamedDistortion,
    check_distortion,
    describe_distortion,
    load_distortion,
)

USER_MODULE = """
class MotionBlur:
    def __init__(self, length=9, *, angle: float = 0.0):
        self.length = length
        self.angle = angle

    def __call__(self, image, generator):
        return image.roll(self.length, -1)


class Forgetful:
    def __init__(self, length: int = 9):
        self._length = length

    def __call__(self, image, generator):
        return image


class NeedsLength(MotionBlur):
    def __init__(self, length):
        super().__init__(length)


class NotCallable:
    pass


def darken(image, generator, *, amount=0.5):
    return amount * image


def invert(image, generator):
    return 1 - image


CONSTANT = 3
"""


@pytest.fixture
def user_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's in the current folder, as `mdfloss` puts it on the path."""
    (tmp_path / "my_module.py").write_text(USER_MODULE)
    (tmp_path / "broken.py").write_text("import no_such_package")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("my_module", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "my_module"


@pytest.mark.parametrize("name", sorted(set(BUILT_IN) - {"Compose", "OneOf"}))
def test_built_in_ones_are_what_the_protocol_says(name: str) -> None:
    distortion = load_distortion(name)
    assert isinstance(distortion, Distortion)
    assert isinstance(distortion, NamedDistortion)
    check_distortion(distortion)
    check_distortion(distortion, channels=1)
    described = json.loads(json.dumps(describe_distortion(distortion)))
    assert described["class_path"] == f"mdfloss.distortions.{name}"
    assert load_distortion(**described) == distortion
    hash(distortion)


def test_short_names_are_the_classes_of_the_room() -> None:
    assert set(BUILT_IN) == {c.__name__ for c in NamedDistortion.__subclasses__() if c.__module__.startswith("mdfloss")}
    assert set(BUILT_IN) <= set(room.__all__)


@pytest.mark.parametrize("separator", [".", ":"])
def test_user_class_by_path(user_module: str, separator: str) -> None:
    made = load_distortion(f"{user_module}{separator}MotionBlur", {"length": 3, "angle": 1.5})
    image = torch.rand(1, 3, 8, 8)
    assert torch.equal(made(image, torch.Generator()), image.roll(3, -1))
    assert describe_distortion(made) == {
        "class_path": "my_module.MotionBlur",
        "init_args": {"length": 3, "angle": 1.5},
    }


def test_user_function_by_path(user_module: str) -> None:
    image = torch.rand(1, 3, 8, 8)
    plain = load_distortion(f"{user_module}.invert")
    assert torch.equal(plain(image, torch.Generator()), 1 - image)
    assert describe_distortion(plain) == {"class_path": "my_module.invert", "init_args": {}}
    with_option = load_distortion(f"{user_module}.darken", {"amount": 0.25})
    assert torch.equal(with_option(image, torch.Generator()), 0.25 * image)
    assert describe_distortion(with_option) == {"class_path": "my_module.darken", "init_args": {"amount": 0.25}}


@pytest.mark.parametrize(
    ("path", "arguments", "error", "message"),
    [
        ("GaussianNois", {}, ImportError, "no distortion is called 'GaussianNois': use Compose, .*GaussianNoise.*own"),
        ("nowhere.Blur", {}, ImportError, "no module 'nowhere' .*the folder where the command runs"),
        ("my_module.Blur", {}, ImportError, "module 'my_module' has no 'Blur'; it has Forgetful, MotionBlur"),
        ("my_module.CONSTANT", {}, TypeError, "my_module.CONSTANT is a int, not a class or function"),
        ("my_module.NotCallable", {}, TypeError, "its objects cannot be called with"),
        ("my_module.MotionBlur", {"lenth": 3}, TypeError, "takes no argument 'lenth'; it takes length, angle"),
        ("my_module.darken", {"image": 3}, TypeError, "takes no argument 'image'; it takes amount"),
        ("my_module.NeedsLength", {}, TypeError, "my_module.NeedsLength needs the argument 'length'"),
        ("GaussianNoise", {"sigma": [9, 1]}, ValueError, "swap the two"),
        ("tests.f.<locals>.g", {}, ImportError, "defined inside a function: move it to the top level"),
    ],
)
def test_wrong_names(user_module: str, path: str, arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        load_distortion(path, arguments)


def test_a_module_that_fails_to_import_is_not_called_missing(user_module: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        load_distortion("broken.Blur")


def test_an_object_that_forgets_its_arguments_cannot_be_described(user_module: str) -> None:
    forgetful = load_distortion(f"{user_module}.Forgetful")
    with pytest.raises(ValueError, match=r"does not keep its argument 'length': set self\.length in __init__"):
        describe_distortion(forgetful)


def test_partial_is_described_by_its_function() -> None:
    described = describe_distortion(functools.partial(torch.add, other=1))
    assert described["init_args"] == {"other": 1}


@pytest.mark.parametrize(
    ("result", "error", "message"),
    [
        (lambda x: x.numpy(), ValueError, "must return a tensor N×C×H×W, got ndarray"),
        (lambda x: x[0], ValueError, r"given \(2, 3, 48, 48\) and must keep N and C, got \(3, 48, 48\)"),
        (lambda x: x[:1], ValueError, "must keep N and C"),
        (lambda x: (255 * x).byte(), ValueError, r"must return floating point in \[0, 1\], got torch\.uint8"),
        (lambda x: x / 0, ValueError, "returned NaN or infinite values"),
    ],
)
def test_a_try_finds_what_is_no_distortion(result: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        check_distortion(lambda image, generator: result(image))


def test_a_try_finds_a_wrong_signature() -> None:
    with pytest.raises(ValueError, match=r"cannot be called with \(image, generator\): too many positional arguments"):
        check_distortion(lambda image: image)  # type: ignore[arg-type,misc]


def _parse(words: list[str]) -> Any:
    def command(size: int = 3, *, distortion: AnyDistortion = GaussianNoise(sigma=(1, 2))) -> None:  # noqa: B008
        """A command."""

    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_function_arguments(command, as_positional=True)
    return parser.instantiate_classes(parser.parse_args(words)).distortion


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], GaussianNoise((1, 2))),
        (["--distortion", "GaussianNoise", "--distortion.sigma", "25"], GaussianNoise(25)),
        (["--distortion", "GaussianNoise", "--distortion.sigma", "[0,55]"], GaussianNoise((0, 55))),
        (["--distortion", "mdfloss.distortions.Jpeg", "--distortion.quality", "10"], Jpeg(10)),
        (["--config", "noise.yaml"], GaussianNoise((0, 5))),
        (["--config", "noise.yaml", "--distortion.sigma", "3"], GaussianNoise(3)),
        (["--config", "chain.yaml"], Compose([GaussianNoise(5), Jpeg((7, 10))])),
    ],
)
def test_command_line_makes_ours(user_module: str, words: list[str], expected: Distortion) -> None:
    Path("noise.yaml").write_text("distortion:\n  class_path: GaussianNoise\n  init_args:\n    sigma: [0, 5]\n")
    Path("chain.yaml").write_text(
        "distortion:\n  class_path: Compose\n  init_args:\n    distortions:\n"
        "    - class_path: GaussianNoise\n      init_args: {sigma: 5}\n    - class_path: Jpeg\n"
    )
    assert _parse(words) == expected


def test_command_line_makes_the_users(user_module: str) -> None:
    made = _parse(["--distortion", "my_module.MotionBlur", "--distortion.length", "15"])
    assert type(made).__name__ == "MotionBlur"
    assert made.length == 15
    Path("mine.yaml").write_text("distortion:\n  class_path: my_module.MotionBlur\n  init_args:\n    length: 4\n")
    assert _parse(["--config", "mine.yaml", "--distortion.angle", "30"]).angle == 30
    assert _parse(["--distortion", "my_module.invert"]).__name__ == "invert"
    Path("function.yaml").write_text("distortion: my_module.invert\n")
    assert _parse(["--config", "function.yaml"]).__name__ == "invert"


def test_example_of_a_distortion_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples")
    blur = load_distortion("motion_blur.MotionBlur", {"length": 7})
    check_distortion(blur)
    check_distortion(blur, channels=1)
    assert load_distortion(**describe_distortion(blur)) == blur
    image = torch.rand(4, 3, 16, 20)
    blurred = blur(image, torch.Generator().manual_seed(1))
    assert blurred.shape == image.shape
    assert torch.equal(blurred, blur(image, torch.Generator().manual_seed(1)))
