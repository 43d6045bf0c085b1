"""`mdfloss evaluate`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from mdfloss.evaluation.folders import FolderScores, evaluate_folders
from mdfloss.evaluation.metrics import METRICS, ColorSpace, MetricProtocol
from mdfloss.evaluation.statistics import Interval, mean_interval, percentile_interval
from mdfloss.files import refuse_overwrite

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
    _show(scores, protocol, Console())
    if csv is not None:
        scores.table.save_csv(csv, force=force)


def _span(interval: Interval, digits: int) -> str:
    return f"{interval.value:.{digits}f}  [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"


def _show(scores: FolderScores, protocol: MetricProtocol, console: Console) -> None:
    table = scores.table
    shown = Table(title=f"{len(table.images)} pictures · {protocol}", title_style="bold", title_justify="left")
    for heading in ("metric", "mean  [95 % interval]", "5th percentile  [95 % interval]", "measured on"):
        shown.add_column(heading)
    for name in table.metrics:
        metric, values = METRICS[name], table.column(table.methods[0], name)
        worst = percentile_interval(values, percentile=5 if metric.higher_is_better else 95)
        shown.add_row(
            metric.heading,
            _span(mean_interval(values), metric.digits),
            _span(worst, metric.digits) + ("" if metric.higher_is_better else "  (95th)"),
            "RGB" if metric.needs_color else str(protocol).partition(",")[0],
        )
    console.print(shown)
    for names, what in (
        (scores.missing, "references have no result"),
        (scores.extra, "results have no reference"),
    ):
        if names:
            console.print(f"{len(names)} {what}: {', '.join(names)}", markup=False, style="yellow")
