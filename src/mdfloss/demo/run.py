"""The stages of the demo.

Nothing is computed here: every stage calls the public function that its own command calls, on files that the command
would read and write, so that each line under "Commands" on the page can be run again by hand.
"""

from __future__ import annotations

import dataclasses
import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mdfloss.distortions import GaussianNoise, describe_distortion
from mdfloss.evaluation.folders import evaluate_folders
from mdfloss.evaluation.table import ScoreTable
from mdfloss.fitting import FitConfig, FitProgress, fit, plan_fit
from mdfloss.fitting.plan import measure_speed
from mdfloss.images import read_image
from mdfloss.losses import build_loss
from mdfloss.networks import build_network, load_network
from mdfloss.restore import plan_outputs, restore_files
from mdfloss.timing import seconds_a_step
from mdfloss.training import DataConfig, Hardware, OptimizerConfig, TrainConfig, train

from .folder import DemoFolder
from .page import write_demo_page

__all__ = ["METHODS", "DemoConfig", "DemoResult", "Stage", "plan_demo", "run_demo"]

METHODS = {"l1": "L1", "mse": "L2", "mdf": "Fitted MDF"}
"""Folder of a method → its name in tables."""


@dataclass(frozen=True)
class DemoConfig:
    """How much the demo does; the defaults take less than ten minutes on two cores.

    Args:
        fit_iterations: Iterations of each scale of the fit.
        num_scales: K, discriminators of the fitted loss.
        steps: Training steps, the same for every loss.
        num_layers: Layers of the denoiser.
        num_features: Channels of the denoiser.
        batch_size: Patches in a step.
        patch_size: Side of a patch, px.
        lr: Learning rate of the first step, the same for every loss.
        sigma: Noise of the test pictures, in 1/255; trainings draw theirs from 0 to 55.
        seed: Decides everything random.
    """

    fit_iterations: int = 150
    num_scales: int = 8
    steps: int = 1000
    num_layers: int = 7
    num_features: int = 32
    batch_size: int = 8
    patch_size: int = 48
    lr: float = 2e-3
    sigma: float = 25.0
    seed: int = 0

    @property
    def fit(self) -> FitConfig:
        """Options of the fit."""
        return FitConfig.preset(
            "quick",
            iterations=self.fit_iterations,
            num_scales=self.num_scales,
            random_seed=self.seed,
        )

    def training(self, folder: DemoFolder, method: str) -> TrainConfig:
        """Options of one training.

        Args:
            folder: The demo's folder.
            method: A key of `METHODS`.
        """
        clean, validation = (str(folder.photographs(part)) for part in ("train", "validation"))
        return TrainConfig(
            data=DataConfig(train_dir=clean, val_dir=validation, patch_size=self.patch_size),
            loss=f"mdf:{folder.bank}" if method == "mdf" else method,
            distortion=describe_distortion(GaussianNoise()),
            network="DnCNN",
            network_args={"num_layers": self.num_layers, "num_features": self.num_features},
            optimizer=OptimizerConfig(lr=self.lr),
            steps=self.steps,
            batch_size=self.batch_size,
            val_every=max(1, self.steps // 12),
            seed=self.seed,
        )


class Stage(NamedTuple):
    """One stage of the demo.

    Attributes:
        name: What it does.
        seconds: Expected duration on this machine.
    """

    name: str
    seconds: float


class DemoResult(NamedTuple):
    """What a demo made.

    Attributes:
        scores: PSNR and SSIM of every test picture and method.
        page: The HTML page.
    """

    scores: ScoreTable
    page: Path


def plan_demo(config: DemoConfig) -> tuple[Stage, ...]:
    """Say what the demo will do and, from a few probes on this machine, how long each stage will take.

    Args:
        config: Options.

    Returns:
        The stages in order.
    """
    fit_plan = plan_fit([(512, 512)], config.fit)
    speed = measure_speed(fit_plan, config.fit, GaussianNoise())
    fit_seconds = sum(fit_plan.seconds(scale.scale_index, speed=speed) for scale in fit_plan.scales)
    probed = {method: build_loss("mdf:denoise" if method == "mdf" else method) for method in METHODS}
    network = build_network("DnCNN", num_layers=config.num_layers, num_features=config.num_features)
    speeds = {
        method: seconds_a_step(network, loss, batch_size=config.batch_size, patch_size=config.patch_size)
        for method, loss in probed.items()
    }
    trainings = [Stage(f"train with {METHODS[method]}", config.steps * speed) for method, speed in speeds.items()]
    return (
        Stage("write the photographs", 4),
        Stage("fit the loss", fit_seconds),
        *trainings,
        Stage("restore and score", 10),
        Stage("write the page", 10),
    )


def run_demo(
    output: Path,
    config: DemoConfig,
    *,
    resume: bool = False,
    force: bool = False,
    progress: bool = False,
    on_stage: Callable[[int], None] = lambda _: None,
    on_fit: Callable[[FitProgress], None] = lambda _: None,
) -> DemoResult:
    """Fit a loss, train with it and with L1 and L2 for equal steps, restore, score, and write the page.

    Args:
        output: Folder of the demo.
        config: Options.
        resume: Go on with the demo that `output` holds.
        force: Delete the demo that `output` holds.
        progress: Show the bars of the trainings.
        on_stage: Called with the index, in `plan_demo`'s order, of each stage that begins.
        on_fit: Called after every iteration of the fit.

    Returns:
        Scores and page.

    Raises:
        FileExistsError: `output` is in use.
        ValueError: `resume`, but the demo in `output` has other options.
    """
    folder = DemoFolder(output)
    started = time.monotonic()
    folder.start(dataclasses.asdict(config), resume=resume, force=force)
    on_stage(0)
    folder.write_photographs(GaussianNoise(sigma=config.sigma), seed=config.seed)
    on_stage(1)
    _fit(folder, config, on_fit)
    for index, method in enumerate(METHODS):
        on_stage(2 + index)
        _train(config.training(folder, method), folder.run(method), progress=progress)
    on_stage(5)
    scores = _restore_and_score(folder, METHODS)
    on_stage(6)
    facts = {**_settings(config), "Took": f"{(time.monotonic() - started) / 60:.1f} minutes"}
    write_demo_page(folder, scores, METHODS, facts=facts, commands=_commands(folder, config))
    return DemoResult(scores, folder.page)


def _fit(folder: DemoFolder, config: DemoConfig, on_fit: Callable[[FitProgress], None]) -> None:
    if folder.bank.exists():
        return
    seeds = [read_image(path) for path in sorted(folder.photographs("seed").iterdir())]
    bank = fit(
        seeds,
        GaussianNoise(),
        config.fit,
        task="denoise",
        workdir=folder.fit,
        resume=folder.fit.exists(),
        licence="CC0-1.0",
        source="mdfloss demo, fitted to scikit-image's astronaut",
        on_progress=on_fit,
    )
    bank.save(folder.bank)


def _train(config: TrainConfig, run: Path, *, progress: bool) -> None:
    train(config, run, hardware=Hardware(accelerator="cpu"), resume=(run / "config.json").exists(), progress=progress)


def _restore_and_score(folder: DemoFolder, methods: Mapping[str, str]) -> ScoreTable:
    """Restore the noisy files with the last network of each training, and score them against the clean ones."""
    scores: ScoreTable | None = None
    for method, label in methods.items():
        network = load_network(folder.run(method) / "last.safetensors")
        restore_files(network, plan_outputs([folder.distorted], folder.restored(method)), force=True)
        found = evaluate_folders(folder.restored(method), folder.photographs("test"), method=label).table
        scores = found if scores is None else scores.extended(found.rows)
    if scores is None:
        raise ValueError("no method to score")
    scores.save_csv(folder.scores)
    return scores


def _settings(config: DemoConfig) -> dict[str, str]:
    """The settings that decide the numbers, for the page."""
    rate = f"Adam, {config.lr:g} falling to 0 by a cosine, the same for every loss"
    return {
        "Network": f"DnCNN, {config.num_layers} layers of {config.num_features} channels",
        "Training": f"{config.steps} steps of {config.batch_size} patches of {config.patch_size} px, "
        "equal weights and patches at the start of every loss",
        "Learning rate": rate,
        "Fit": f"{config.num_scales} scales of {config.fit_iterations} iterations",
        "Noise": f"training: sigma 0 to 55; test: sigma {config.sigma:g}, clipped and rounded to 8 bits",
        "Seed": str(config.seed),
    }


def _commands(folder: DemoFolder, config: DemoConfig) -> list[str]:
    """The commands that do what the demo did, one by one."""
    noise = '--distortion GaussianNoise --distortion.sigma "[0,55]"'
    seed = f"--seed {config.seed}"
    commands = [
        f"mdfloss demo --output {_word(folder.path)} --steps {config.steps} --fit-iterations {config.fit_iterations} "
        f"{seed}",
        f"mdfloss fit {_word(folder.photographs('seed') / 'astronaut.png')} --output {_word(folder.bank)} {noise} "
        f"--preset quick --iterations {config.fit_iterations} --num-scales {config.num_scales} {seed}",
    ]
    for method in METHODS:
        run = config.training(folder, method)
        network, restored = _word(folder.run(method) / "last.safetensors"), _word(folder.restored(method))
        commands += [
            f"mdfloss train --train-dir {_word(run.data.train_dir)} --val-dir {_word(run.data.val_dir)} "
            f"--output {_word(folder.run(method))} --loss {_word(run.loss)} {noise} --network DnCNN "
            f"--network.num_layers {config.num_layers} --network.num_features {config.num_features} "
            f"--steps {run.steps} --batch-size {run.batch_size} --patch-size {config.patch_size} --lr {config.lr:g} "
            f"--val-every {run.val_every} {seed} --accelerator cpu",
            f"mdfloss restore {network} {_word(folder.distorted)} --output {restored}",
            f"mdfloss evaluate {restored} {_word(folder.photographs('test'))}",
        ]
    return commands


def _word(text: str | Path) -> str:
    """One word of a command line, quoted where it has to be."""
    return shlex.quote(str(text))
