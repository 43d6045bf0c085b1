"""The page of a comparison: one HTML file that carries its pictures, plots, style and script, and loads nothing.

A page has sections (one a task), each with a verdict, a sortable table, plots, close-ups and a viewer of every picture.
Everything that comes from outside (names of files, methods, commands) is escaped by the template.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .evaluation.metrics import METRICS
from .evaluation.plots import figure_svg
from .evaluation.summary import MethodSummary, summarize, tail_percentile
from .evaluation.table import ScoreTable
from .evaluation.verdict import Verdict
from .files import atomic_write
from .images import read_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Page", "Plot", "Scene", "Section", "write_page"]

QUALITIES = (None, 95, 90, 80, 65, 50)
"""WebP qualities tried in turn until the pictures fit; None is lossless."""

CLOSE_UP = 96
"""Side of a close-up, in px."""


@dataclass(frozen=True)
class Scene:
    """A picture in all its versions.

    Args:
        name: Name of the picture; the scores of the section's table are found by it.
        versions: Label → file or 1 × C × H × W tensor in [0, 1], all of one size, in the viewer's order. The
            first is the reference, which differences are taken against.
    """

    name: str
    versions: Mapping[str, Path | Tensor]


@dataclass(frozen=True)
class Plot:
    """A figure and the sentence under it."""

    figure: Figure
    caption: str = ""


@dataclass(frozen=True)
class Section:
    """One comparison: a task, say.

    Args:
        title: Heading.
        table: Scores; the labels of the scenes' versions are its methods.
        verdict: The answer, shown first.
        candidate: The method in question: marked in the table and shown first in the viewer.
        metric: The metric shown beside pictures; the table's first by default.
        plots: Figures.
        scenes: Pictures in the order to show them, the worst first.
        num_close_ups: Of how many scenes a close-up is shown.
    """

    title: str
    table: ScoreTable
    verdict: Verdict | None = None
    candidate: str = ""
    metric: str = ""
    plots: Sequence[Plot] = ()
    scenes: Sequence[Scene] = ()
    num_close_ups: int = 4


@dataclass(frozen=True)
class Page:
    """A whole page.

    Args:
        title: Heading and the window's title.
        sections: At least one.
        subtitle: A sentence under the heading.
        commands: The exact commands that made the results.
        facts: Settings and versions.
        max_bytes: About how large the pictures of the page may be together, in bytes.
    """

    title: str
    sections: Sequence[Section]
    subtitle: str = ""
    commands: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 60_000_000


def write_page(page: Page, path: Path, *, force: bool = False) -> None:
    """Write a page as one self-contained HTML file.

    Args:
        page: What it shows.
        path: The file.
        force: Replace an existing one.

    Raises:
        FileExistsError: The file exists and `force` is False.
        ValueError: Versions of a picture differ in size.
        ModuleNotFoundError: The page has plots and matplotlib is not installed.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mdfloss"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    quality = _choose_quality(page)
    sections = [_section(section, quality) for section in page.sections]
    text = environment.get_template("report.html.j2").render(page=page, sections=sections)
    with atomic_write(path, force=force) as partial:
        partial.write_text(text, encoding="utf-8")


def _section(section: Section, quality: int | None) -> dict[str, Any]:
    """What the template shows of a section."""
    from markupsafe import Markup

    table = section.table
    metric = section.metric or table.metrics[0]
    scored = {(row.image, row.method): row.values[metric] for row in table.rows}
    names = {key: _number(value, metric) for key, value in scored.items()}
    return {
        "title": section.title,
        "verdict": section.verdict,
        "candidate": section.candidate,
        "protocol": table.protocol,
        "picture_count": len(table.images),
        "columns": [METRICS[name] for name in table.metrics],
        "rows": _rows(table),
        # figure_svg escapes what it is given.
        "drawings": [
            {"svg": Markup(figure_svg(plot.figure, label=plot.caption)), "caption": plot.caption}  # noqa: S704
            for plot in section.plots
        ],
        "crops": [_close_up(scene, names) for scene in section.scenes[: section.num_close_ups]],
        "scenes": [_scene(scene, section, names, quality) for scene in section.scenes],
        "encoding": _encoding_note(quality),
    }


def _rows(table: ScoreTable) -> list[dict[str, Any]]:
    summary = summarize(table)
    return [
        {"method": method, "cells": [_cell(by_metric[metric], metric, len(summary)) for metric in table.metrics]}
        for method, by_metric in summary.items()
    ]


def _cell(summary: MethodSummary, metric: str, num_methods: int) -> dict[str, Any]:
    mean, tail, rank = summary
    low, high = (_number(value, metric, unit=False) for value in mean[1:])
    tail_name = f"{tail_percentile(metric):.0f}th pct."
    return {
        "value": mean.value,
        "mean": _number(mean.value, metric, unit=False),
        "interval": f"{low} – {high}",
        "tail": f"{tail_name} {_number(tail.value, metric, unit=False)}",
        "rank": rank if rank <= 2 and num_methods > 1 else None,
    }


def _number(value: float, metric: str, *, unit: bool = True) -> str:
    described = METRICS[metric]
    text = f"{value:.{described.digits}f}".replace("-", "−").replace("inf", "∞").replace("nan", "?")
    return f"{text} {described.unit}" if unit and described.unit else text


def _load(version: Path | Tensor) -> Tensor:
    image = read_image(version) if isinstance(version, Path) else version.detach().cpu()
    return image.expand(-1, 3, -1, -1).clamp(0, 1)


def _scene(scene: Scene, section: Section, names: Mapping[tuple[str, str], str], quality: int | None) -> dict[str, Any]:
    images = {label: _load(version) for label, version in scene.versions.items()}
    _check_sizes(scene.name, images)
    height, width = next(iter(images.values())).shape[-2:]
    score = names.get((scene.name, section.candidate), "")
    start = section.candidate if section.candidate in images else next(iter(images))
    versions = [
        {"label": label, "uri": _data_uri(image, quality), "score": names.get((scene.name, label), "")}
        for label, image in images.items()
    ]
    data = {"name": scene.name, "width": width, "height": height, "start": start, "versions": versions}
    heading = f"{scene.name} · {section.candidate} {score}" if score else scene.name
    return {"heading": heading, "data": data}


def _close_up(scene: Scene, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    images = {label: _load(version) for label, version in scene.versions.items()}
    _check_sizes(scene.name, images)
    top, left, height, width = _busiest_window(list(images.values()))
    crops = [
        {
            "uri": _data_uri(image[..., top : top + height, left : left + width], None),
            "label": label,
            "score": names.get((scene.name, label), ""),
            "width": width,
            "height": height,
        }
        for label, image in images.items()
    ]
    return {"name": scene.name, "crops": crops}


def _check_sizes(name: str, images: Mapping[str, Tensor]) -> None:
    sizes = {label: f"{image.shape[-1]}×{image.shape[-2]} px" for label, image in images.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the versions of picture {name!r} differ in size: {sizes}")


def _busiest_window(images: Sequence[Tensor]) -> tuple[int, int, int, int]:
    """Top, left, height and width of the window where the restored versions (the third on) differ most."""
    height, width = (min(CLOSE_UP, side) for side in images[0].shape[-2:])
    restored = torch.cat(list(images[2:] if len(images) > 3 else images))
    spread = restored.std(dim=0, correction=0).mean(dim=0)[None, None]
    activity = torch.nn.functional.avg_pool2d(spread, (height, width), stride=4)[0, 0]
    row, column = divmod(int(activity.argmax()), activity.shape[1])
    return 4 * row, 4 * column, height, width


def _encode(image: Tensor, quality: int | None) -> bytes:
    from PIL import Image

    pixels = (image[0] * 255).round().byte().permute(1, 2, 0).numpy()
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "WEBP", lossless=quality is None, quality=quality or 60, method=2)
    return stream.getvalue()


def _data_uri(image: Tensor, quality: int | None) -> str:
    return "data:image/webp;base64," + base64.b64encode(_encode(image, quality)).decode("ascii")


def _choose_quality(page: Page) -> int | None:
    """The best WebP quality that keeps the pictures within the page's size, judged by a sample of them."""
    scenes = [scene for section in page.sections for scene in section.scenes]
    sampled = scenes[:: max(1, len(scenes) // 4)][:4]
    images = [_load(version) for scene in sampled for version in scene.versions.values()]
    count = sum(len(scene.versions) for scene in scenes)
    for quality in QUALITIES:
        sizes = [len(_encode(image, quality)) * 4 / 3 for image in images]
        if not sizes or sum(sizes) / len(sizes) * count <= page.max_bytes:
            return quality
    return QUALITIES[-1]


def _encoding_note(quality: int | None) -> str:
    if quality is None:
        return "The pictures are stored without loss; differences are those of their 8-bit values."
    return (
        f"To keep this page small the pictures of the viewer are stored as WebP of quality {quality}, so that small "
        "differences may come from that; the scores are those of the original results, and the close-ups are lossless."
    )
