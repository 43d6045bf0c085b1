"""`mdfloss evaluate`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from mdfloss.evaluation.folders import evaluate_folders
from mdfloss.evaluation.metrics import ColorSpace, MetricProtocol
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
        metrics: Any of psnr, ssim, ms_ssim, lpips, haarpsi, mdsi, vsi, gmsd, jod; psnr and ssim by default.
        color_space: Compare "rgb", or "y": the luma of MATLAB's rgb2ycbcr.
        crop_border: Pixels left out at each side.
        rounding: Round to 8 bits first.
        csv: Write the score of each picture here.
        force: Replace the CSV file if it exists.
    """
    if csv is not None:
        refuse_overwrite(csv, force=force)
    protocol = MetricProtocol(color_space=color_space, crop_border=crop_border, rounding=rounding)
    scores = evaluate_folders(results, references, metrics=metrics or ["psnr", "ssim"], protocol=protocol)
    console = Console()
    console.print(score_table(scores.table))
    for names, what in ((scores.missing, "references have no result"), (scores.extra, "results have no reference")):
        if names:
            console.print(f"{len(names)} {what}: {', '.join(names)}", markup=False, style="yellow")
    if csv is not None:
        scores.table.save_csv(csv, force=force)
