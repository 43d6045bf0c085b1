"""`mdfloss fit`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from torch import Tensor

from mdfloss.bank import BankCard, DiscriminatorBank
from mdfloss.distortions import AnyDistortion, describe_distortion
from mdfloss.files import refuse_overwrite
from mdfloss.fitting import FitConfig, FitPlan, FitProgress, plan_fit
from mdfloss.fitting import fit as fit_bank
from mdfloss.fitting.checkpoint import remove_state
from mdfloss.fitting.config import CHROMA
from mdfloss.fitting.plan import measure_speed
from mdfloss.fitting.request import bank_card, fit_request, load_finished
from mdfloss.seeds import load_seed

from .device import find_device
from .durations import format_duration

__all__ = ["fit"]

_TASKS = {"GaussianNoise": "denoise", "PoissonGaussianNoise": "denoise", "Jpeg": "jpeg", "Downscale": "sisr"}


def fit(
    seeds: list[str],
    *,
    output: Path,
    distortion: AnyDistortion,
    preset: Literal["quick", "full", "paper"] = "quick",
    task: str | None = None,
    num_scales: int | None = None,
    rho: float | None = None,
    iterations: int | None = None,
    width: int | None = None,
    max_width: int | None = None,
    crop_size: int | None = None,
    batch_size: int | None = None,
    residual: Literal["previous", "distorted"] | None = None,
    chroma: float | None = CHROMA,
    definition: str = "",
    seed: int = 0,
    device: str = "auto",
    licence: str = "unknown",
    workdir: Path | None = None,
    checkpoint_every: int = 200,
    resume: bool = False,
    force: bool = False,
) -> None:
    """Fit the discriminators of a loss to clean pictures and a distortion.

    Args:
        seeds: Clean pictures, or names such as astronaut; one is enough.
        output: The bank to write, `.safetensors`.
        distortion: What the loss shall see: GaussianNoise, Jpeg, Downscale, or the import path of your own.
        preset: "quick", minutes on a CPU; "full", a quarter of an hour or so, for noise and JPEG a better loss; or
            "paper", the paper's recipe, hours on a GPU.
        task: Name of the task in the bank; after the distortion by default.
        num_scales: K, the number of scales.
        rho: Ratio between neighbouring scales; chosen from the size of the pictures by default.
        iterations: Iterations of each scale.
        width: Channels of the four coarsest scales; doubled every four scales.
        max_width: Most channels of any scale.
        crop_size: Side of the crops in pixels.
        batch_size: Crops in an iteration.
        residual: What generators add their output to: "previous", or "distorted", their own input.
        chroma: How strongly the maps shall answer to noise along each axis of colour, luma being 1; null leaves them as
            they have learnt to.
        definition: How the loss shall read the bank by default: "detailed"; "structural", better where detail is
            lost as in super-resolution; "faithful", which keeps to the pixels more, for compression; or another.
        seed: Start of the random numbers.
        device: "cpu", "cuda", or "auto": the GPU where there is one.
        licence: Terms of the weights, as an SPDX expression.
        workdir: Folder for checkpoints; OUTPUT.fit by default. They are removed when the bank is written.
        checkpoint_every: Iterations between two checkpoints.
        resume: Continue a fit that was stopped; a finished one is left as it is.
        force: Replace an existing bank, and a stopped fit that is not resumed.
    """
    changes = {
        "num_scales": num_scales,
        "rho": rho,
        "iterations": iterations,
        "width": width,
        "max_width": max_width,
        "crop_size": crop_size,
        "batch_size": batch_size,
        "residual": residual,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    config = FitConfig.preset(preset, random_seed=seed, **given)
    _check_output(output, force=force or resume)
    names = ", ".join(Path(name).name for name in seeds)
    where = find_device(device)
    job = _Job(
        images=[load_seed(name).to(where) for name in seeds],
        distortion=distortion,
        config=config,
        task=task or _task_of(distortion),
        chroma=chroma,
        definition=definition,
        licence=licence,
        source=f"mdfloss fit --preset {preset}, fitted to {names}",
    )
    folder = workdir or output.with_name(f"{output.name}.fit")
    console = Console()
    if resume and not force and output.exists():
        bank = load_finished(output, job.card())
    else:
        if force and not resume:
            remove_state(folder)
        bank = _fit_shown(job, folder, console, resume=resume, checkpoint_every=checkpoint_every)
        bank.save(output, force=force)
    remove_state(folder)
    _say_written(bank, output, console)


@dataclass(frozen=True)
class _Job:
    """What the options ask for."""

    images: list[Tensor]
    distortion: AnyDistortion
    config: FitConfig
    task: str
    chroma: float | None
    definition: str
    licence: str
    source: str

    @property
    def plan(self) -> FitPlan:
        return plan_fit([(image.shape[-2], image.shape[-1]) for image in self.images], self.config)

    def card(self) -> BankCard:
        config = dataclasses.replace(self.config, rho=self.plan.rho)
        request = fit_request(self.images, self.distortion, config, task=self.task, chroma=self.chroma)
        return bank_card(request, config, definition=self.definition, licence=self.licence, source=self.source)


def _fit_shown(job: _Job, folder: Path, console: Console, *, resume: bool, checkpoint_every: int) -> DiscriminatorBank:
    """Print the plan, then fit with a bar for each scale."""
    on_cpu = job.images[0].device.type == "cpu"
    speed = measure_speed(job.plan, job.config, job.distortion) if on_cpu else None
    console.print(_plan_table(job.plan, speed=speed))
    bars = _Bars(job.plan, console)
    with bars.progress:
        return fit_bank(
            job.images,
            job.distortion,
            job.config,
            task=job.task,
            chroma=job.chroma,
            definition=job.definition,
            workdir=folder,
            resume=resume,
            checkpoint_every=checkpoint_every,
            licence=job.licence,
            source=job.source,
            on_progress=bars.show,
        )


def _check_output(output: Path, *, force: bool) -> None:
    if output.suffix != ".safetensors":
        raise ValueError(f"a bank is saved as .safetensors, got {output}: give it that suffix")
    if output.is_dir():
        raise IsADirectoryError(f"{output} is a folder: choose another name for the bank")
    refuse_overwrite(output, force=force)


def _say_written(bank: DiscriminatorBank, output: Path, console: Console) -> None:
    console.print(
        f"{output}: {len(bank)} discriminators for '{bank.card.task}'. Use it as MDFLoss('{output}'), or in\n"
        f"  mdfloss train ... --loss mdf:{output}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _plan_table(plan: FitPlan, *, speed: float | None) -> Table:
    table = Table(title=f"{len(plan.scales)} scales, rho {plan.rho:.3g}", title_justify="left")
    for heading in ("scale", "size", "channels", "iterations", "expected time"):
        table.add_column(heading, justify="right")
    for scale in plan.scales:
        expected = "" if speed is None else format_duration(plan.seconds(scale.scale_index, speed=speed))
        sizes = ", ".join(f"{height}×{width}" for height, width in scale.sizes)
        row = (str(scale.scale_index), sizes, str(scale.width), str(scale.iterations), expected)
        table.add_row(*row)
    if speed is not None:
        whole = sum(plan.seconds(scale.scale_index, speed=speed) for scale in plan.scales)
        table.caption = f"about {format_duration(whole)} on this CPU; press Ctrl+C to stop, --resume to continue"
    return table


class _Bars:
    """One progress bar a scale, with the latest figures and the time left for the whole fit."""

    def __init__(self, plan: FitPlan, console: Console) -> None:
        columns = (
            TextColumn("scale {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        self.progress = Progress(*columns, console=console)
        self._plan = plan
        self._tasks: dict[int, TaskID] = {}

    def show(self, state: FitProgress) -> None:
        if state.scale_index not in self._tasks:
            total = self._plan.scales[state.scale_index].iterations
            task = self.progress.add_task(str(state.scale_index), total=total, figures="")
            self._tasks[state.scale_index] = task
        figures = f"critic {state.losses.critic:+.3f}  mse {state.losses.reconstruction:.4f}"
        left = f"  {format_duration(state.seconds_left)} left"
        self.progress.update(self._tasks[state.scale_index], completed=state.iteration, figures=figures + left)


def _task_of(distortion: AnyDistortion) -> str:
    name: str = describe_distortion(distortion)["class_path"].rpartition(".")[2]
    return _TASKS.get(name, name)
