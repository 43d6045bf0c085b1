"""`mdfloss study init`, `serve`, `analyze` and `simulate`."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mdfloss.files import refuse_overwrite
from mdfloss.study.analysis import Analysis, analyze, cautions, load_votes
from mdfloss.study.per_scene import scale_scenes
from mdfloss.study.results import read_psnr, write_analysis
from mdfloss.study.scaling import DisconnectedWarning
from mdfloss.study.setup import condition_names, create_study, invite, window_sizes
from mdfloss.study.simulate import plan_study
from mdfloss.study.trials import Study, StudyConfig

__all__ = ["study_analyze", "study_init", "study_serve", "study_simulate"]


def study_init(
    methods: list[Path],
    *,
    reference: Path,
    output: Path,
    title: str = "Picture comparison",
    question: str = "Which picture is closer to the reference?",
    mode: Literal["side", "flip"] = "side",
    design: Literal["full", "random", "active"] = "random",
    trials: int = 9,
    golden: int = 2,
    practice: int = 2,
    break_every: int = 30,
    open_entry: bool = False,
    completion_url: str = "",
    seed: int = 0,
    bad: Path | None = None,
    count: int | None = None,
    participants: int = 0,
    url: str = "http://127.0.0.1:8000",
    force: bool = False,
) -> None:
    """Make a pairwise study from folders of results.

    Args:
        methods: Folders of results, one a method, with the file names of the reference folder.
        reference: Folder of reference pictures.
        output: Folder of the study.
        title: Heading of its pages.
        question: Asked at every trial.
        mode: side shows reference and results side by side, flip one at a time in one place.
        design: full shows every participant every pair of every picture, random a balanced subset, active the most
            informative pairs.
        trials: Real trials of a participant; the full design ignores it.
        golden: Obvious trials among them, for screening.
        practice: Practice trials before them.
        break_every: A break comes after so many trials; 0 for none.
        open_entry: Let participants in by the ids of MTurk or Prolific in the URL of /enter.
        completion_url: Where the last page leads; {code} in it becomes the completion code.
        seed: Seed of orders, sides and the choice of pictures.
        bad: Folder of known-bad versions for the obvious trials; made from the references by default.
        count: Take so many pictures only.
        participants: Write links.csv with so many signed personal links.
        url: Address at which the study will be served, for the links.
        force: Replace an existing study, its votes included.
    """
    config = StudyConfig(
        title=title,
        question=question,
        mode=mode,
        design=design,
        trials=trials,
        golden=golden,
        practice=practice,
        break_every=break_every,
        open_entry=open_entry,
        completion_url=completion_url,
        seed=seed,
    )
    named = condition_names(methods)
    study = create_study(named, reference, output, config=config, bad=bad, count=count, force=force)
    links = invite(study, participants, url=url) if participants else None
    pairs = len(study.pairs) * len(study.scenes)
    console = Console(highlight=False)
    console.print(
        f"{output}: {len(study.conditions)} methods, {len(study.scenes)} pictures, {pairs} comparisons", markup=False
    )
    sizes = " or ".join(f"{width} × {height}" for width, height in window_sizes(study))
    console.print(f"participants need a browser window of {sizes} px", markup=False)
    console.print(f"edit {output}/pages/*.md, then: mdfloss study serve {output}", markup=False)
    console.print(f"the admin token is in {output}/secrets.json; keep that file to yourself", markup=False)
    if links is not None:
        console.print(f"{participants} personal links: {links}", markup=False)


def study_serve(
    study: Path, *, host: str = "127.0.0.1", port: int = 8000, root_path: str = "", proxies: str = "127.0.0.1"
) -> None:
    """Serve a study on the web.

    Args:
        study: Folder of the study.
        host: Address to listen on; 0.0.0.0 for all.
        port: Port to listen on.
        root_path: Path under which a proxy serves the study.
        proxies: Addresses of proxies whose X-Forwarded headers are believed, with commas between them.
    """
    try:
        from mdfloss.study.app_server import serve_study
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f'{error.name} is missing: pip install "mdfloss[study]"') from error
    serve_study(study, host=host, port=port, root_path=root_path, proxies=proxies)


def study_analyze(
    votes: Path,
    *,
    output: Path,
    checks: Path | None = None,
    psnr: Path | None = None,
    by_scene: bool = False,
    screen: bool = True,
    prior: Literal["gaussian", "none"] = "gaussian",
    regularization: Literal["mean0", "fix0"] = "mean0",
    zero: str | None = None,
    samples: int = 500,
    seed: int = 0,
    force: bool = False,
) -> None:
    """Scale votes to JND, with intervals, tests, screening and figures.

    Args:
        votes: Folder of a study, or a CSV file with the columns observer, session, scene, condition_A, condition_B,
            is_A_selected.
        output: Folder for tables and figures.
        checks: The exported checks.csv that goes with a CSV file of votes.
        psnr: CSV table with the columns method (or loss) and psnr, or a folder of such tables, for the
            perception-distortion plane.
        by_scene: Scale each scene by itself too, to scenes.csv.
        screen: Leave out observers whom the others contradict.
        prior: Prior over distances: gaussian, or none.
        regularization: mean0 puts zero at the mean, fix0 at the first method.
        zero: Method at zero, instead of the first; it goes with fix0.
        samples: Bootstrap draws.
        seed: Their seed.
        force: Replace what stands in the output folder.
    """
    refuse_overwrite(output, force=force)
    psnr_means = read_psnr(psnr) if psnr else None
    table, failed = load_votes(votes, checks=checks)
    if zero is not None:
        if regularization != "fix0":
            raise ValueError(f"zero is {zero!r}, but regularization {regularization!r}: a method at zero needs fix0")
        table = table.starting_with(zero)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DisconnectedWarning)  # told among the cautions
        analysis = analyze(
            table, failed=failed, screen=screen, prior=prior, regularization=regularization, samples=samples, seed=seed
        )
    scenes = scale_scenes(analysis.votes, samples=samples, seed=seed, prior=prior) if by_scene else ()
    write_analysis(analysis, output, scenes=scenes, psnr=psnr_means, force=force)
    _show(analysis, output)


def _show(analysis: Analysis, output: Path) -> None:
    console = Console(highlight=False)
    table = Table("method", "JND", "95 % interval", title=f"{len(analysis.votes)} votes")
    intervals = analysis.intervals
    rows = zip(analysis.votes.conditions, intervals.scores, intervals.low, intervals.high, strict=True)
    for name, score, low, high in sorted(rows, key=lambda row: -row[1]):
        ends = "–" if math.isnan(low) else f"{low:+.2f} to {high:+.2f}"
        table.add_row(escape(name), f"{score:+.2f}", ends)
    console.print(table)
    gone = analysis.discarded
    console.print(
        f"screening: {len(gone.sessions)} work units missed an obvious trial ({gone.dropped} votes, "
        f"{gone.percentage:.1f} %); {len(analysis.excluded)} observers left out for disagreeing",
        markup=False,
    )
    for caution in cautions(analysis):
        console.print(f"caution: {caution}", markup=False)
    console.print(f"tables and figures: {output}", markup=False)


def study_simulate(
    study: Path,
    *,
    width: float = 0.5,
    scores: list[float] | None = None,
    spread: float = 0.3,
    lapses: float = 0.02,
    seed: int = 0,
) -> None:
    """Dry run with simulated observers: how many participants a study needs.

    Args:
        study: Folder of the study.
        width: Wanted mean full width of the 95 % intervals, in JND.
        scores: Assumed true scores of the methods, in JND; half a JND apart by default.
        spread: Standard deviation of an observer's own scores around the true ones, in JND.
        lapses: Share of votes that are given blindly.
        seed: Seed of the simulation.
    """
    loaded = Study.load(study)
    count = len(loaded.conditions)
    full = loaded.config.design == "full"
    trials = len(loaded.pairs) * len(loaded.scenes) if full else loaded.config.trials
    if scores is not None and len(scores) != count:
        raise ValueError(f"{len(scores)} scores for {count} methods: give one for each")
    assumed = scores or [0.5 * index for index in range(count)]
    plan = plan_study(assumed, trials=trials, width=width, spread=spread, lapses=lapses, seed=seed)
    console = Console(highlight=False)
    table = Table("participants", "votes", "interval width in JND")
    for row in plan.rows:
        table.add_row(str(row.participants), str(row.votes), f"{row.width:.2f}")
    console.print(table)
    console.print(f"for a width of {width:g} JND: {plan.participants} participants, {plan.votes} votes", markup=False)
