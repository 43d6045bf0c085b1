"""Phase 1: fit a bank of discriminators to seed images and a distortion (paper section 3.1)."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from mdfloss.bank import Discriminator, DiscriminatorBank
from mdfloss.conditioning import whiten
from mdfloss.definitions import DEFINITIONS
from mdfloss.distortions import Distortion
from mdfloss.locks import only_writer
from mdfloss.recording import plain_state

from .chain import Chain, Degradation
from .checkpoint import FitState, has_state, load_state, save_state
from .condition import conditioning_pairs
from .config import CHROMA, FitConfig
from .iteration import train_on_crops
from .plan import FitPlan, plan_fit
from .pyramid import seed_levels
from .request import Request, bank_card, fit_request
from .scale_gan import Generator, Losses, ScaleNetworks, learning_rate

__all__ = ["FitDivergedError", "FitProgress", "fit"]


class FitDivergedError(ValueError):
    """A loss or a weight is no longer a finite number; the last checkpoint is from before."""


class FitProgress(NamedTuple):
    """Where a fit stands after an iteration.

    Attributes:
        scale_index: 0 = coarsest.
        iteration: Iterations of this scale that are done.
        losses: Figures of the iteration.
        seconds_left: Expected time to the end, from the speed since the start or the resume.
    """

    scale_index: int
    iteration: int
    losses: Losses
    seconds_left: float


@dataclass
class _Run:
    """What the loop hands around; `generators` and `critics` grow by one with every finished scale."""

    config: FitConfig
    plan: FitPlan
    request: Request
    chains: list[Chain]
    random: torch.Generator
    generators: list[Generator]
    critics: list[Discriminator]
    workdir: Path | None
    checkpoint_every: int
    on_progress: Callable[[FitProgress], None] | None
    work_done: float = 0.0
    started: float = field(default_factory=time.monotonic)


def fit(
    seeds: Sequence[Tensor],
    distortion: Distortion,
    config: FitConfig,
    *,
    task: str,
    chroma: float | None = CHROMA,
    definition: str = "",
    workdir: Path | None = None,
    resume: bool = False,
    checkpoint_every: int = 200,
    licence: str = "unknown",
    source: str = "",
    on_progress: Callable[[FitProgress], None] | None = None,
) -> DiscriminatorBank:
    """Fit discriminators to seed images and a task's distortion.

    The scales are trained one after another, coarsest first, on random crops; a scale of the same width as the one
    before starts from its weights. On one machine, with one number of threads, the result depends on the
    arguments only, and a fit that was killed and resumed ends with the same weights on the CPU, bit for bit.

    Args:
        seeds: Clean images, each (1, 1 or 3, H, W) in [0, 1], on the device to compute on; sizes may differ.
        distortion: What the loss shall become sensitive to.
        config: Options of the fit.
        task: Name of the task, kept in the bank.
        chroma: How strongly the finished maps answer to noise along each axis of colour, luma being 1, as in
            `conditioning.whiten`; None: as they have learnt to.
        definition: How the loss shall read the bank by default: a name in `DEFINITIONS`, or empty for "detailed".
        workdir: Folder for checkpoints; None to make none.
        resume: Continue the fit that `workdir` holds, if it holds one.
        checkpoint_every: Iterations between two checkpoints, beside the one after every scale.
        licence: Terms of the weights, as an SPDX expression.
        source: Where the weights come from, for example the command.
        on_progress: Called after every iteration.

    Returns:
        The bank in eval mode, on the CPU, with whitening matrices for the task's distortion.

    Raises:
        ValueError: A seed is not an image in [0, 1] or too small for K and rho, `resume` without `workdir`, or
            arguments of the distortion that cannot be written as JSON.
        FileExistsError: `workdir` holds a fit and `resume` is False.
        BlockingIOError: Another process is writing to `workdir`.
        CheckpointError: The fit in `workdir` is damaged or was asked for differently.
        FitDivergedError: A loss or a weight is not finite any more.
    """
    if checkpoint_every < 1:
        raise ValueError(f"checkpoint_every must be at least 1, got {checkpoint_every}")
    if definition and definition not in DEFINITIONS:
        raise ValueError(f"definition must be one of {tuple(DEFINITIONS)}, got {definition!r}")
    if resume and workdir is None:
        raise ValueError("resume needs the workdir of the fit to continue, got None")
    images = [_checked(seed, number) for number, seed in enumerate(seeds)]
    plan = plan_fit([(image.shape[-2], image.shape[-1]) for image in images], config)
    config = dataclasses.replace(config, rho=plan.rho)
    request = fit_request(images, distortion, config, task=task, chroma=chroma)
    generators: list[Generator] = []
    degradation = Degradation(distortion)
    chains = [
        Chain(_levels(image, index, plan), generators, degradation, config.residual)
        for index, image in enumerate(images)
    ]
    random = torch.Generator(device=images[0].device).manual_seed(config.random_seed)
    clean, distorted = conditioning_pairs(
        [chain.levels[-1] for chain in chains], degradation, random_seed=config.random_seed
    )
    run = _Run(config, plan, request, chains, random, generators, [], workdir, checkpoint_every, on_progress)
    with nullcontext() if workdir is None else only_writer(workdir):
        _train_scales(run, _found_state(run, resume=resume))
    critics = [critic.cpu().requires_grad_(True) for critic in run.critics]
    bank = DiscriminatorBank(critics, bank_card(request, config, definition=definition, licence=licence, source=source))
    return whiten(bank, clean, distorted, chroma=chroma)


def _checked(seed: Tensor, number: int) -> Tensor:
    """The seed with three channels, after the checks."""
    if not isinstance(seed, Tensor) or seed.ndim != 4 or seed.shape[0] != 1 or seed.shape[1] not in (1, 3):
        seen = tuple(seed.shape) if isinstance(seed, Tensor) else type(seed).__name__
        raise ValueError(f"seed {number} must be one image of shape (1, 1 or 3, H, W), got {seen}")
    lowest, highest = (value.item() for value in seed.aminmax())
    if not seed.is_floating_point() or not (lowest >= 0 and highest <= 1):
        raise ValueError(
            f"seed {number} must hold floats in [0, 1], got {seed.dtype} from {lowest:g} to {highest:g}: "
            "divide 8-bit values by 255"
        )
    return seed.detach().to(torch.float32).expand(-1, 3, -1, -1)


def _levels(image: Tensor, index: int, plan: FitPlan) -> list[Tensor]:
    return seed_levels(image, [scale.sizes[index] for scale in plan.scales])


def _found_state(run: _Run, *, resume: bool) -> FitState | None:
    workdir = run.workdir
    if workdir is None or not has_state(workdir):
        return None
    if not resume:
        raise FileExistsError(
            f"{workdir} holds an unfinished fit: continue it (--resume), or start anew (--force) and lose it"
        )
    return load_state(workdir, run.request, device=run.random.device)


def _train_scales(run: _Run, state: FitState | None) -> None:
    """All scales that are left."""
    networks, scale_index, iteration = _restored(run, state)
    while scale_index < run.config.num_scales:
        networks = networks or _new_networks(run, scale_index)
        _train_scale(run, scale_index, networks, first_iteration=iteration)
        networks, scale_index, iteration = None, scale_index + 1, 0


def _restored(run: _Run, state: FitState | None) -> tuple[ScaleNetworks | None, int, int]:
    """Bring the run to a saved state: the networks of a scale in progress, its index, its iterations."""
    if state is None:
        return None, 0, 0
    networks = None
    for k, (generator, critic) in enumerate(zip(state.generators, state.critics, strict=True)):
        networks = ScaleNetworks(run.config.widths[k], generator=run.random)
        networks.generator.load_state_dict(generator)
        networks.critic.load_state_dict(critic)
        if k < state.scale_index:
            _finish(run, networks)
            networks = None
    if networks is not None:
        networks.restore(state.optimizers)
    run.random.set_state(state.random_state)
    return networks, state.scale_index, state.iteration


def _new_networks(run: _Run, scale_index: int) -> ScaleNetworks:
    widths = run.config.widths
    warm = scale_index > 0 and widths[scale_index] == widths[scale_index - 1]
    start = (run.generators[-1], run.critics[-1]) if warm else None
    return ScaleNetworks(widths[scale_index], generator=run.random, start=start)


def _finish(run: _Run, networks: ScaleNetworks) -> None:
    """Freeze a scale: from now on it only feeds the next ones."""
    run.generators.append(networks.generator.eval().requires_grad_(False))
    run.critics.append(networks.critic.eval().requires_grad_(False))


def _train_scale(run: _Run, scale_index: int, networks: ScaleNetworks, *, first_iteration: int) -> None:
    """All iterations of one scale, with its checkpoints."""
    config = run.config
    for iteration in range(first_iteration, config.iterations):
        networks.set_rate(learning_rate(iteration, iterations=config.iterations))
        losses = train_on_crops(networks, run.chains, scale_index, config, generator=run.random)
        done = iteration + 1
        if not losses.finite:
            raise FitDivergedError(_diverged(run, scale_index, done, f"losses are {losses}"))
        run.work_done += run.plan.scales[scale_index].work
        if run.on_progress is not None:
            run.on_progress(FitProgress(scale_index, done, losses, _seconds_left(run, scale_index, done)))
        if done < config.iterations and done % run.checkpoint_every == 0:
            _save(run, scale_index, done, networks)
    if not networks.finite:
        raise FitDivergedError(_diverged(run, scale_index, config.iterations, "a weight is not finite"))
    _finish(run, networks)
    _save(run, scale_index + 1, 0, None)


def _save(run: _Run, scale_index: int, iteration: int, networks: ScaleNetworks | None) -> None:
    if run.workdir is None:
        return
    generators, critics = [*run.generators], [*run.critics]
    optimizers = []
    if networks is not None:
        if not networks.finite:
            raise FitDivergedError(_diverged(run, scale_index, iteration, "a weight is not finite"))
        generators.append(networks.generator)
        critics.append(networks.critic)
        optimizers = [plain_state(optimizer) for optimizer in networks.optimizers]
    state = FitState(
        scale_index=scale_index,
        iteration=iteration,
        generators=[network.state_dict() for network in generators],
        critics=[network.state_dict() for network in critics],
        optimizers=optimizers,
        random_state=run.random.get_state(),
    )
    save_state(run.workdir, state, run.request)


def _diverged(run: _Run, scale_index: int, iteration: int, what: str) -> str:
    kept = f"the last good state is in {run.workdir}" if run.workdir else "no state was kept: give a workdir"
    return (
        f"the fit diverged at scale {scale_index}, iteration {iteration}: {what}; {kept}. "
        "Try another random_seed, a larger crop_size or batch_size, or a weaker distortion"
    )


def _seconds_left(run: _Run, scale_index: int, iteration: int) -> float:
    scales = run.plan.scales
    work = scales[scale_index].work * (scales[scale_index].iterations - iteration)
    work += sum(scale.work * scale.iterations for scale in scales[scale_index + 1 :])
    return work * (time.monotonic() - run.started) / run.work_done
