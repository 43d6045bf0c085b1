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


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_functions_are_short(path: Path) -> None:
    lines = path.read_text().splitlines()
    functions = [node for node in ast.walk(_tree(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    code = {function.name: _code_lines(function, lines) for function in functions}
    assert not {name: number for name, number in code.items() if number > 40}


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines of a function's body; its docstring, comments and the functions inside it do not count."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    inside = [node for node in ast.walk(function) if isinstance(node, kinds) and node is not function]
    elsewhere = {number for node in inside for number in range(node.lineno, (node.end_lineno or 0) + 1)}
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    numbers = {number for node in body for number in range(node.lineno, (node.end_lineno or 0) + 1)}
    return sum(bool(lines[n - 1].strip()) and lines[n - 1].strip()[0] != "#" for n in numbers - elsewhere)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_what_is_imported_from_a_module_is_what_it_offers(path: Path) -> None:
    package = (SOURCE.name, *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(_tree(path)):
        if not isinstance(node, ast.ImportFrom) or (node.level == 0 and (node.module or "").split(".")[0] != "mdfloss"):
            continue
        above = package[: len(package) - node.level + 1] if node.level else ()
        place = SOURCE.parent.joinpath(*above, *(node.module or "").split("."))
        module = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        modules_below = {file.stem for file in place.glob("*")}
        hidden = {alias.name for alias in node.names} - _offered(module) - modules_below
        assert not hidden, f"{module.relative_to(SOURCE)} does not have {hidden} in its __all__"


def _offered(module: Path) -> set[str]:
    """What a module's `__all__` says."""
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


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
