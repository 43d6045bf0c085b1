"""`mdfloss bench`."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from mdfloss.bench import BenchConfig, Cost, cost_plot, measure_costs, own_candidates, save_costs, standard_candidates
from mdfloss.evaluation.plots import save_figure
from mdfloss.files import refuse_overwrite

from .device import find_device

__all__ = ["bench"]


def bench(
    *,
    loss: list[str] | None = None,
    standard: bool = True,
    batch_size: int = 8,
    size: int = 96,
    device: str = "auto",
    rounds: int = 7,
    autocast: bool = False,
    memory: bool = True,
    csv: Path | None = None,
    plot: Path | None = None,
    force: bool = False,
) -> None:
    """Measure what every loss costs on this machine: the paper's Table 1.

    Args:
        loss: Losses of yours to measure, as [mdf:bank.safetensors,l1+0.1*fft].
        standard: Measure those of the paper's table, and every shipped bank; --standard=false leaves yours only.
        batch_size: Images in a step.
        size: Side of an image, px.
        device: auto, cpu, cuda, ...
        rounds: Turns of each loss; figures are medians over them.
        autocast: Run under bfloat16 autocast.
        memory: Measure memory too; on a CPU this starts a process for each loss.
        csv: Write the table here.
        plot: Write a plot here, .svg, .pdf or .png.
        force: Replace existing files.
    """
    for path in (csv, plot):
        if path is not None:
            refuse_overwrite(path, force=force)
    config = BenchConfig(
        batch_size=batch_size,
        size=size,
        device=str(find_device(device)),
        rounds=rounds,
        autocast=autocast,
        memory=memory,
    )
    asked = [*(standard_candidates() if standard else []), *own_candidates(loss or [])]
    candidates = list({candidate.name: candidate for candidate in asked}.values())
    with Progress(transient=True) as bar:
        task = bar.add_task("bench", total=len(candidates) + rounds)
        costs = measure_costs(candidates, config, progress=lambda: bar.advance(task))
    title = _title(config)
    Console(highlight=False).print(_table(costs, title))
    if csv is not None:
        save_costs(costs, csv, force=force)
    if plot is not None:
        save_figure(cost_plot(costs, title=title), plot, force=force)


def _title(config: BenchConfig) -> str:
    on_cuda = torch.device(config.device).type == "cuda"
    where = torch.cuda.get_device_name(config.device) if on_cuda else f"CPU, {torch.get_num_threads()} threads"
    dtype = "bfloat16 autocast" if config.autocast else "float32"
    return f"{config.batch_size}×3×{config.size}×{config.size}, {dtype}, {where}"


def _table(costs: list[Cost], title: str) -> Table:
    headings = ("forward + backward, ms", "× L1", "× VGG", "memory of a step, MB", "weights, MB")
    shown = Table(
        title=Text(title),
        title_justify="left",
        caption="VGG, LPIPS and banks with random weights are for their cost only",
        caption_justify="left",
    )
    shown.add_column("loss", overflow="fold")
    for heading in headings:
        shown.add_column(heading, justify="right")
    for cost in costs:
        shown.add_row(Text(cost.name), *("–" if math.isnan(value) else f"{value:.3g}" for value in cost[1:]))
    return shown
