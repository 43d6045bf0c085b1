"""Rules of the house that a machine can keep."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import mdfloss

SOURCE = Path(mdfloss.__file__).parent
MODULES = sorted(path for path in SOURCE.rglob("*.py"))
NAMES = [m.name for m in pkgutil.walk_packages(mdfloss.__path__, "mdfloss.")]


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_module_is_short_and_quiet(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
    calls = {n.func.id for n in ast.walk(_tree(path)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not calls & {"print", "exec", "eval"}
    if path.parent.name != "commands" and path.name != "cli.py":
        assert not any(isinstance(n, ast.Attribute) and n.attr == "print" for n in ast.walk(_tree(path)))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_library_code_never_asserts_on_input(path: Path) -> None:
    assert not any(isinstance(node, ast.Assert) for node in ast.walk(_tree(path)))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_every_module_has_its_test_file(path: Path) -> None:
    if path.name in ("__init__.py", "version.py"):
        return
    mirror = Path(__file__).parent / path.relative_to(SOURCE).with_name(f"test_{path.name}")
    assert mirror.is_file() or path.parent.name == "commands"


@pytest.mark.parametrize("name", NAMES)
def test_public_names_exist_and_are_documented(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        pytest.skip(f"an extra is missing: {error}")
    for public in getattr(module, "__all__", ()):
        thing = getattr(module, public)
        if callable(thing) and getattr(thing, "__module__", "").startswith("mdfloss"):
            assert thing.__doc__, f"{name}.{public} has no docstring"


def test_import_leaves_heavy_libraries_alone() -> None:
    heavy = {
        "lightning",
        "matplotlib",
        "seaborn",
        "pandas",
        "piq",
        "lpips",
        "fastapi",
        "ray",
        "skimage",
        "torchmetrics",
    }
    code = f"import sys, mdfloss; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
