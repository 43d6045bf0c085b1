"""Scoring a folder of restored pictures against a folder of references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mdfloss.images import named_images, read_image
from mdfloss.sizes import size_text

from .metrics import MetricProtocol, find_metrics, measure
from .table import Score, ScoreTable

__all__ = ["FolderScores", "evaluate_folders", "match_folders"]


@dataclass(frozen=True)
class FolderScores:
    """What `evaluate_folders` found.

    Args:
        table: The scores, a row for each pair.
        missing: References without a result, as paths below the folder, without suffix.
        extra: Results without a reference.
    """

    table: ScoreTable
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def _named_images(folder: Path) -> dict[str, Path]:
    if folder.is_file():
        return {folder.stem: folder}
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    return named_images(folder)


def match_folders(results: Path, references: Path) -> dict[str, tuple[Path | None, Path | None]]:
    """Pair the pictures of two folders by their path below the folder, whatever the suffix.

    Args:
        results: Folder of restored pictures, or one picture.
        references: Folder of clean pictures, or one picture; two single pictures match whatever their
            names.

    Returns:
        Name → (result, reference), sorted; None where one is missing.

    Raises:
        FileNotFoundError: A folder is missing.
        ValueError: A folder has no pictures, or two of one name.
    """
    found, wanted = _named_images(results), _named_images(references)
    if results.is_file() and references.is_file():
        return {references.stem: (results, references)}
    return {name: (found.get(name), wanted.get(name)) for name in sorted({*found, *wanted})}


def evaluate_folders(
    results: Path,
    references: Path,
    *,
    metrics: Sequence[str] = ("psnr", "ssim"),
    protocol: MetricProtocol | None = None,
    method: str | None = None,
) -> FolderScores:
    """Score every picture of `results` against the one of the same name in `references`.

    Args:
        results: Folder of restored pictures, or one picture.
        references: Folder of clean pictures, or one picture.
        metrics: Names out of `METRICS`.
        protocol: What is done to both pictures first; RGB, no crop, rounded to 8 bits by default.
        method: Name of the results in the table; their folder's by default.

    Returns:
        The table, and what had no partner.

    Raises:
        FileNotFoundError: A folder is missing.
        ImageFileError: A picture is damaged.
        ValueError: No names match, sizes differ, or a picture is too small for a metric.
    """
    find_metrics(metrics)
    protocol = protocol or MetricProtocol()
    method = method or results.stem
    rows, missing, extra = [], [], []
    for name, (result, reference) in match_folders(results, references).items():
        if result is None:
            missing.append(name)
        elif reference is None:
            extra.append(name)
        else:
            rows.append(Score(name, method, _score(result, reference, metrics, protocol)))
    if not rows:
        raise ValueError(
            f"no picture in {results} has the name of one in {references}: the first are "
            f"{extra[0]!r} and {missing[0]!r}"
        )
    return FolderScores(ScoreTable(tuple(metrics), tuple(rows), str(protocol)), tuple(missing), tuple(extra))


def _score(result: Path, reference: Path, metrics: Sequence[str], protocol: MetricProtocol) -> dict[str, float]:
    pred, target = read_image(result, channels=None), read_image(reference, channels=None)
    if pred.shape[1] != target.shape[1]:
        pred, target = pred.expand(-1, 3, -1, -1), target.expand(-1, 3, -1, -1)
    if pred.shape != target.shape:
        ours, theirs = size_text(pred.shape), size_text(target.shape)
        raise ValueError(f"{result} is {ours}, but its reference {reference} is {theirs}: crop or resize one")
    return {name: measure(name, pred, target, protocol=protocol).item() for name in metrics}
