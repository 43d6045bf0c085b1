"""The page of a comparison: one HTML file that carries its pictures, plots, style and script, and loads nothing.

A page has sections (one a task, say), each with a verdict, sortable tables, plots, close-ups and a viewer of every
picture; with several sections there is an answer over all of them on top. Everything that comes from outside (names of
files, methods, commands) is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from mdfloss.evaluation.metrics import METRICS
from mdfloss.evaluation.table import ScoreTable
from mdfloss.evaluation.verdict import Verdict, overall

from .html import drawing, write_html
from .pictures import Encoding, choose_encoding, close_up, data_uri, load_versions
from .tables import finding_rows, glance_rows, number, score_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Page", "Plot", "Scene", "Section", "write_page"]

OPEN_PLOTS = 4
"""Plots of a section that are shown at once; the others are folded away."""


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
        unrestored: Scores of the distorted pictures, for the table.
        note: A sentence under the verdict: what the methods were made with, say.
    """

    title: str
    table: ScoreTable
    verdict: Verdict | None = None
    candidate: str = ""
    metric: str = ""
    plots: Sequence[Plot] = ()
    scenes: Sequence[Scene] = ()
    num_close_ups: int = 4
    unrestored: ScoreTable | None = None
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A whole page.

    Args:
        title: Heading and the window's title.
        sections: At least one.
        subtitle: A sentence under the heading.
        commands: The exact commands that made the results.
        facts: Settings and versions.
        texts: Name → longer text, folded away: the file that described the comparison, say.
        max_bytes: About how large the pictures of the page may be together, in bytes.
    """

    title: str
    sections: Sequence[Section]
    subtitle: str = ""
    commands: Sequence[str] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
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
    scenes = [scene.versions for section in page.sections for scene in section.scenes]
    encoding = choose_encoding(scenes, max_bytes=page.max_bytes)
    sections = [_section(section, encoding) for section in page.sections]
    # Behind everything else, the first picture of every section before the second of any.
    pictures = [
        (number, index, scene["data"])
        for number, section in enumerate(sections, 1)
        for index, scene in enumerate(section["scenes"])
    ]
    pictures.sort(key=lambda picture: picture[1])
    glance = _glance(page.sections)
    write_html("report.html.j2", path, force=force, page=page, sections=sections, scenes=pictures, glance=glance)


def _glance(sections: Sequence[Section]) -> dict[str, Any] | None:
    """All sections in one table, where they compare the same methods by the same metric."""
    first = sections[0]
    metric = _metric(first)
    asked = {(section.candidate, _metric(section), section.table.methods) for section in sections}
    if len(sections) < 2 or len(asked) > 1 or first.candidate not in first.table.methods:
        return None
    tables = [section.table for section in sections]
    return {
        "answer": overall(tables, candidate=first.candidate, metric=metric),
        "metric": METRICS[metric],
        "candidate": first.candidate,
        "titles": [section.title for section in sections],
        "rows": glance_rows(tables, candidate=first.candidate, metric=metric),
    }


def _metric(section: Section) -> str:
    return section.metric or section.table.metrics[0]


def _section(section: Section, encoding: Encoding) -> dict[str, Any]:
    """What the template shows of a section."""
    table, metric = section.table, _metric(section)
    scores = {(row.image, row.method): number(row.values[metric], metric) for row in table.rows}
    known = section.candidate in table.methods
    drawings = [{"svg": drawing(plot.figure, label=plot.caption), "caption": plot.caption} for plot in section.plots]
    return {
        "title": section.title,
        "verdict": section.verdict,
        "note": section.note,
        "candidate": section.candidate,
        "protocol": table.protocol,
        "picture_count": len(table.images),
        "columns": [METRICS[name] for name in table.metrics],
        "rows": score_rows(table, section.unrestored),
        "findings": finding_rows(table, section.candidate) if known else [],
        "drawings": drawings[:OPEN_PLOTS],
        "more_drawings": drawings[OPEN_PLOTS:],
        "crops": [_crops(scene, scores) for scene in section.scenes[: section.num_close_ups]],
        "scenes": [
            _scene(scene, section, scores, encoding.quality)
            for scene in section.scenes[: encoding.kept(len(section.scenes))]
        ],
        "encoding": encoding.note(len(section.scenes)),
    }


def _scene(
    scene: Scene, section: Section, scores: Mapping[tuple[str, str], str], quality: int | None
) -> dict[str, Any]:
    images = load_versions(scene.name, scene.versions)
    height, width = next(iter(images.values())).shape[-2:]
    score = scores.get((scene.name, section.candidate), "")
    start = section.candidate if section.candidate in images else next(iter(images))
    versions = [
        {"label": label, "uri": data_uri(image, quality), "score": scores.get((scene.name, label), "")}
        for label, image in images.items()
    ]
    data = {"name": scene.name, "width": width, "height": height, "start": start, "versions": versions}
    heading = f"{scene.name} · {section.candidate} {score}" if score else scene.name
    return {"heading": heading, "data": data}


def _crops(scene: Scene, scores: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    images = load_versions(scene.name, scene.versions)
    crops = [
        {
            "uri": data_uri(image, None),
            "label": label,
            "score": scores.get((scene.name, label), ""),
            "width": image.shape[-1],
            "height": image.shape[-2],
        }
        for label, image in zip(images, close_up(list(images.values())), strict=True)
    ]
    return {"name": scene.name, "crops": crops}
