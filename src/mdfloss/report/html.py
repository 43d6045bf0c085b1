"""HTML files from the package's templates: all that goes into one is escaped, and a file is whole or not there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdfloss.evaluation.plots import figure_svg
from mdfloss.files import atomic_write

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.figure import Figure

__all__ = ["drawing", "write_html"]


def drawing(figure: Figure, *, label: str) -> Markup:
    """A figure as a template takes it, without escaping it again.

    Args:
        figure: A figure made by `mdfloss.evaluation.plots`.
        label: What it shows, for readers who cannot see it.

    Returns:
        The `<svg>` element, in which all text is escaped.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    from markupsafe import Markup

    return Markup(figure_svg(figure, label=label))  # noqa: S704  figure_svg escapes what it is given


def write_html(template: str, path: Path, *, force: bool = False, **values: Any) -> None:
    """Fill a template of the package and write it.

    Args:
        template: Name of a file in `mdfloss/templates`.
        path: The file to write.
        force: Replace an existing one.
        values: What the template shows; text in them is escaped.

    Raises:
        FileExistsError: The file exists and `force` is False.
        jinja2.UndefinedError: The template shows something that is not among the values.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mdfloss"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    text = environment.get_template(template).render(values)
    with atomic_write(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")
