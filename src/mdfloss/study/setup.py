"""From folders of results to a study: everything is checked before anything is written."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mdfloss.files import refuse_overwrite
from mdfloss.sizes import size_text

from .links import Secrets
from .store import VOTES, own_votes
from .trials import BAD, GOOD, Scene, Study, StudyConfig
from .votes import write_rows

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["condition_names", "create_study", "invite", "window_sizes"]

_OBVIOUS_PSNR = 22.0


def create_study(
    methods: Mapping[str, Path],
    reference: Path,
    folder: Path,
    *,
    config: StudyConfig | None = None,
    bad: Path | None = None,
    count: int | None = None,
    force: bool = False,
) -> Study:
    """Make a study folder.

    Args:
        methods: Name of each condition → folder of its results.
        reference: Folder of references with the same file names (suffixes may differ).
        folder: Where the study goes.
        config: Settings.
        bad: Folder of known-bad versions for the golden trials; made from the references where it is None.
        count: Take so many pictures only, drawn with the seed of the settings.
        force: Replace an existing study, its votes included.

    Returns:
        The study, whose folder holds `study.json`, lossless copies of all pictures under opaque names, the pages to
        edit, and the keys.

    Raises:
        FileExistsError: `folder` exists and `force` is False, or it is anything but a study.
        ValueError: Fewer than two methods, reserved names, missing or unreadable pictures, or sizes that differ;
            the message lists every one of them.
        BlockingIOError: The study to be replaced is being served.
    """
    config = config or StudyConfig()
    if len(methods) < 2 or {GOOD, BAD} & set(methods):
        raise ValueError(f"methods are {sorted(methods)}: needed are two or more, none called {GOOD!r} or {BAD!r}")
    refuse_overwrite(folder, force=force)
    if folder.exists() and not (folder / "study.json").is_file():
        raise FileExistsError(f"{folder} is not a study, and is left as it is: choose another folder")
    folders = {GOOD: reference, **methods} | ({BAD: bad} if bad else {})
    scenes = _matched(folders, config, count)
    problems = [problem for paths in scenes.values() for problem in _differences(paths)]
    if problems:
        raise ValueError(f"{len(problems)} problems with the pictures:\n" + "\n".join(f"  {line}" for line in problems))
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        (partial / "images").mkdir(parents=True)
        shutil.copytree(Path(__file__).with_name("pages"), partial / "pages")
        study = Study(partial, config, tuple(methods), ())
        copied = tuple(_copy(study, name, paths) for name, paths in scenes.items())
        Study(partial, config, study.conditions, copied).save()
        Secrets.create(partial / "secrets.json")
        if folder.exists():
            owner = own_votes(folder / VOTES)
            shutil.rmtree(folder)
            owner.release()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Study(folder, config, tuple(methods), copied)


def invite(study: Study, participants: int, *, url: str, force: bool = False) -> Path:
    """Write `links.csv`: one signed link for each of so many participants.

    Args:
        study: The study.
        participants: Number of links.
        url: Where the study will be served, such as https://study.example.org.
        force: Replace the file.
    """
    keys = Secrets.load(study.folder / "secrets.json")
    path = study.folder / "links.csv"
    refuse_overwrite(path, force=force)
    seats = [f"seat-{number:04d}" for number in range(1, participants + 1)]
    rows = [{"seat": seat, "link": f"{url.rstrip('/')}/s/{keys.link(seat)}"} for seat in seats]
    write_rows(path, rows, columns=("seat", "link"))
    return path


def window_sizes(study: Study) -> list[tuple[int, int]]:
    """Browser windows, in px, that hold the pictures at their true size on an ordinary screen; any of them does.

    Args:
        study: The study.

    Returns:
        Width and height of each way in which `static/study.js` lays a trial out, for a question of one line.
    """
    width, height = (max(getattr(scene, name) for scene in study.scenes) for name in ("width", "height"))
    if study.config.mode == "flip":
        return [(width + 16, height + 200)]
    width = max(width, 96)
    return [(3 * width + 48, height + 132), (2 * width + 24, 2 * height + 188)]


def _matched(folders: Mapping[str, Path], config: StudyConfig, count: int | None) -> dict[str, dict[str, Path]]:
    """Scene → condition → path; every picture of the reference folder must be in all folders."""
    import numpy as np

    from mdfloss.evaluation.folders import match_folders

    scenes: dict[str, dict[str, Path]] = {}
    missing = []
    for condition, results in folders.items():
        for name, (result, wanted) in match_folders(results, folders[GOOD]).items():
            if wanted is not None and result is not None:
                scenes.setdefault(name, {})[condition] = result
            elif wanted is not None:
                missing.append(f"{condition}: no result for {wanted.name} in {results}")
    if missing:
        raise ValueError(f"{len(missing)} pictures are missing:\n" + "\n".join(f"  {line}" for line in missing))
    names = sorted(scenes)
    if count is not None:
        if not 1 <= count <= len(names):
            raise ValueError(f"count is {count}: there are {len(names)} pictures")
        chosen = np.random.default_rng(config.seed).permutation(len(names))[:count]
        names = sorted(names[index] for index in chosen)
    return {name: scenes[name] for name in names}


def _differences(paths: Mapping[str, Path]) -> list[str]:
    from mdfloss.images import read_image

    wanted, problems = None, []
    for condition, path in paths.items():
        try:
            size = tuple(read_image(path, channels=None).shape[2:])
        except (OSError, ValueError) as error:
            problems.append(f"{condition}: {error}")
            continue
        wanted = wanted or size
        if size != wanted:
            problems.append(
                f"{condition}: {path} is {size_text(size)}, its reference {size_text(wanted)}: crop them alike"
            )
    return problems


def _copy(study: Study, name: str, paths: Mapping[str, Path]) -> Scene:
    """Write all versions of a picture as 8-bit PNG: decoded pixels only, under names that tell nothing."""
    from mdfloss.images import read_image, write_image

    pictures = {condition: read_image(path, channels=3) for condition, path in paths.items()}
    if BAD not in pictures:
        pictures[BAD] = _ruined(pictures[GOOD])
    error = float((pictures[BAD] - pictures[GOOD]).square().mean())
    if error < 10 ** (-_OBVIOUS_PSNR / 10):
        raise ValueError(f"the known-bad version of {name} is too good: its PSNR is above {_OBVIOUS_PSNR:g} dB")
    ids = {condition: secrets.token_hex(16) for condition in pictures}
    for condition, picture in pictures.items():
        write_image(study.image_path(ids[condition]), picture)
    height, width = pictures[GOOD].shape[2:]
    return Scene(name, int(width), int(height), ids)


def _ruined(image: Tensor) -> Tensor:
    """A version that nobody takes for the better one: coarse blocks under strong noise."""
    import torch
    from torch.nn.functional import avg_pool2d, interpolate

    block = max(2, min(image.shape[2:]) // 24)
    coarse = avg_pool2d(image, block, ceil_mode=True, count_include_pad=False)
    coarse = interpolate(coarse, scale_factor=block, mode="nearest")[:, :, : image.shape[2], : image.shape[3]]
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(0))
    return (coarse + 0.15 * noise).clamp(0, 1)


def condition_names(folders: Sequence[Path]) -> dict[str, Path]:
    """Names for folders of results: their last parts, or more where these are equal.

    Raises:
        ValueError: A folder is given twice.
    """
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ValueError("a folder of results is given twice")
    names = {folder: folder.resolve().parts[1:] for folder in folders}
    for depth in range(1, max(map(len, names.values()), default=1) + 1):
        short = {"/".join(parts[-depth:]): folder for folder, parts in names.items()}
        if len(short) == len(folders):
            return short
    raise ValueError("folders of results have no distinct names")
