"""`mdfloss evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console

from mdfloss.evaluation.folders import evaluate_folders
from mdfloss.evaluation.metrics import METRICS, ColorSpace, MetricProtocol
from mdfloss.evaluation.table import ScoreTable
from mdfloss.files import refuse_overwrite

from .score_table import score_table

__all__ = ["evaluate"]


def evaluate(
    results: Path,
    references: Path,
    *,
    metrics: list[str] | None = None,
    color_space: ColorSpace = "rgb",
    crop_border: int = 0,
    rounding: bool = True,
    csv: Path | None = None,
    force: bool = False,
) -> None:
    """Score restored pictures against references of the same names.

    Args:
        results: Folder of restored pictures, or one picture.
        references: Folder of clean pictures, or one picture.
        metrics: psnr,ssim by default; any of psnr, ssim, ms_ssim, lpips, haarpsi, mdsi, vsi, gmsd, jod.
        color_space: Compare "rgb", or "y": the luma of MATLAB's rgb2ycbcr.
        crop_border: Pixels left out at each side.
        rounding: Round to 8 bits first.
        csv: Write the score of each picture here.
        force: Replace the CSV file if it exists.
    """
    if csv is not None:
        refuse_overwrite(csv, force=force)
    protocol = MetricProtocol(color_space=color_space, crop_border=crop_border, rounding=rounding)
    wanted = ("psnr", "ssim") if metrics is None else metrics
    scores = evaluate_folders(results, references, metrics=wanted, protocol=protocol)
    console = Console()
    console.print(score_table(scores.table))
    for equal in _equal_to_references(scores.table):
        console.print(equal, markup=False, style="yellow")
    for names, what in ((scores.missing, "references have no result"), (scores.extra, "results have no reference")):
        if names:
            console.print(f"{len(names)} {what}: {', '.join(names)}", markup=False, style="yellow")
    if csv is not None:
        scores.table.save_csv(csv, force=force)


def _equal_to_references(table: ScoreTable) -> Iterator[str]:
    """A line for each metric that is infinite somewhere, with the mean where it is not."""
    for metric in table.metrics:
        values = np.array([row.values[metric] for row in table.rows])
        finite = values[np.isfinite(values)]
        if len(finite) < len(values):
            kind = METRICS[metric]
            others = f"; the others' mean is {finite.mean():.{kind.digits}f} {kind.unit}" if len(finite) else ""
            same = len(values) - len(finite)
            yield f"{same} of {len(values)} results equal their references, so {kind.label} is infinite{others}"
