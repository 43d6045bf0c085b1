"""What each choice in fitting, whitening and reading a bank brings: its condition number, and a short training with it.

    python benchmarks/variants.py --output runs/variants
    python benchmarks/variants.py --output runs/variants balanced shrinkage_1 --seeds 0 1 2    # these only

Denoising as recipes/quality_denoise.yaml has it; the bank is `denoise`, read by `balanced`, with one
thing changed at a time. Condition numbers are those of `mdfloss inspect --num-crops 1`. Prints a table in Markdown;
what is done is not done again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import yaml
from torch import Tensor

from mdfloss import DEFINITIONS, Definition, DiscriminatorBank, MDFLoss, load_bank
from mdfloss.commands.compare import compare
from mdfloss.commands.inspect import inspect
from mdfloss.conditioning import whiten
from mdfloss.distortions import load_distortion
from mdfloss.evaluation.metrics import METRICS
from mdfloss.fitting import FitConfig, fit
from mdfloss.fitting.chain import Degradation
from mdfloss.fitting.condition import conditioning_pairs
from mdfloss.seeds import load_seed

RECIPE = Path(__file__).parents[1] / "recipes/quality_denoise.yaml"
BANK, SEED = "denoise", "astronaut"

BALANCED = DEFINITIONS["balanced"]
RAW = replace(BALANCED, whitened=False, pixel_rms=0)
READINGS = {
    "balanced": BALANCED,
    "whitened": DEFINITIONS["whitened"],
    "squared": replace(DEFINITIONS["whitened"], comparison="squared"),
    "unpadded": replace(BALANCED, padded=False),
    "unscaled": replace(BALANCED, scaled=False),
    "pixels_0_3": replace(BALANCED, pixel_rms=0.3),
    "pixels_3": replace(BALANCED, pixel_rms=3),
    "first_block": replace(BALANCED, maps=(0,)),
    "last_block": replace(BALANCED, maps=(3,)),
    "raw": RAW,
    "activated": replace(RAW, activated=True),
    "paper": DEFINITIONS["paper"],
    "official": DEFINITIONS["official"],
}
"""The same bank, read in another way."""

WITH_PIXELS = {"raw_with_pixels": RAW, "activated_with_pixels": replace(RAW, activated=True)}
"""The same without whitening, with the pixels beside the maps that weigh as in `balanced`."""

SHRINKAGES = {
    "shrinkage_0_01": (0.01, "balanced"),
    "shrinkage_0_5": (0.5, "balanced"),
    "shrinkage_1": (1.0, "balanced"),
    "shrinkage_1_unpadded": (1.0, "unpadded"),
}
"""The same bank, whitened more or less, and how it is read; with 1 every map is only weighed."""

SCALES = {"coarse_scales": range(4), "fine_scales": range(4, 8), "every_2nd_scale": range(0, 8, 2)}
"""Some of the same bank's discriminators."""

FITS = {
    "quick": {"iterations": 200, "critic_steps": 1, "generator_steps": 1},
    "seed_1": {"random_seed": 1},
    "K_4": {"num_scales": 4},
    "rho_1_25": {"rho": 1.25},
    "width_8": {"width": 8, "max_width": 8},
    "width_32": {"width": 32},
}
"""Another fit, `--preset full` but for these."""

NAMES = [*READINGS, *WITH_PIXELS, *SHRINKAGES, *SCALES, *FITS]


def pairs() -> tuple[Tensor, Tensor]:
    degradation = Degradation(load_distortion(**load_bank(BANK).card.distortion))
    return conditioning_pairs([load_seed(SEED)], degradation, random_seed=0)


def with_pixels(reading: Definition) -> Definition:
    """As much of the pixels as makes them to the maps what they are in `balanced`, whose maps have L1's unit."""
    clean, distorted = pairs()
    unit = MDFLoss(BANK, definition=reading)(distorted, clean) / (distorted - clean).abs().mean()
    return replace(reading, pixel_rms=BALANCED.pixel_rms * unit.item())


def made(name: str) -> DiscriminatorBank:
    if name in FITS:
        distortion = load_distortion(**load_bank(BANK).card.distortion)
        return fit([load_seed(SEED)], distortion, FitConfig.preset("full", **FITS[name]), task=BANK)
    if name in SHRINKAGES:
        return whiten(load_bank(BANK), *pairs(), shrinkage=SHRINKAGES[name][0])
    return whiten(load_bank(BANK).subset(SCALES[name]), *pairs())


def expression(name: str, banks: Path) -> str:
    """What `mdfloss` builds the variant from; a bank that is not there yet is made."""
    if name in READINGS or name in WITH_PIXELS:
        DEFINITIONS[name] = READINGS[name] if name in READINGS else with_pixels(WITH_PIXELS[name])
        return f"mdf:{BANK}@{name}"
    path = banks / f"{name}.safetensors"
    if not path.exists():
        made(name).save(path)
    reading = SHRINKAGES[name][1] if name in SHRINKAGES else "balanced"
    DEFINITIONS[reading] = READINGS[reading]
    return f"mdf:{path}@{reading}"


def write_grid(losses: dict[str, str], seeds: Sequence[int], path: Path) -> None:
    grid = yaml.safe_load(RECIPE.read_text())
    grid |= {"losses": {name: {"expression": text} for name, text in losses.items()}, "seeds": list(seeds)}
    path.write_text(yaml.safe_dump(grid | {"candidate": next(iter(losses))}, sort_keys=False))


def condition_number(text: str, output: Path) -> float:
    if not (output / "inspect.json").exists():
        inspect([text], output=output, num_crops=1)
    return float(json.loads((output / "inspect.json").read_text())["losses"][0]["summary"]["condition"])


def table(scores: pd.DataFrame, conditions: dict[str, float]) -> Iterator[str]:
    shown = ["psnr", "haarpsi", "jod"]
    means = scores.pivot_table(shown, "loss", "test")
    yield "| | condition number | PSNR, dB, σ = 15 / 25 / 50 | HaarPSI | JOD |"
    yield "|---|---|---|---|---|"
    for name, condition in conditions.items():
        cells = [" / ".join(f"{v:.{METRICS[m].digits}f}" for v in means.loc[name, m]) for m in shown]
        yield f"| {name} | {condition:.3g} | {' | '.join(cells)} |"


def main(names: Sequence[str], seeds: Sequence[int], output: Path) -> None:
    losses = {name: expression(name, output / "banks") for name in names}
    grid = output / "grid.yaml"
    write_grid(losses, seeds, grid)
    compare(grid, output=output)
    conditions = {name: condition_number(text, output / "inspected" / name) for name, text in losses.items()}
    print(*table(pd.read_csv(output / "tables/scores.csv"), conditions), sep="\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    main(options.names, options.seeds, options.output)
