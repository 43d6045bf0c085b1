"""Trainings one after another and abreast: how long the same runs take on this machine's GPU.

    python benchmarks/abreast.py --images DIR --runs 12 --steps 300

The runs are those of a comparison: a small denoiser (DnCNN, 7 layers of 32 channels, batches of 8 patches of 48 px),
half of them with L1 and half with MDF, one of each for a seed. Preparing and validating count.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from mdfloss.training import DataConfig, Hardware, TrainConfig, train, train_abreast


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", required=True, help="folder of pictures")
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--accelerator", default="gpu")
    arguments = parser.parse_args()
    data = DataConfig(train_dir=arguments.images, val_dir=arguments.images, val_images=2)
    hardware = Hardware(accelerator=arguments.accelerator)
    small = {"num_layers": 7, "num_features": 32}

    def config(number: int) -> TrainConfig:
        loss = ("l1", "mdf:denoise")[number % 2]
        steps = arguments.steps
        return TrainConfig(data, network_args=small, loss=loss, steps=steps, val_every=steps, seed=number // 2)

    with tempfile.TemporaryDirectory() as folder:
        train(config(0), Path(folder, "warm up"), hardware=hardware)
        started = time.monotonic()
        for number in range(arguments.runs):
            train(config(number), Path(folder, f"{number} alone"), hardware=hardware)
        alone = time.monotonic() - started
        started = time.monotonic()
        train_abreast(
            {Path(folder, str(number)): config(number) for number in range(arguments.runs)}, hardware=hardware
        )
        abreast = time.monotonic() - started
    print(
        f"{arguments.runs} runs of {arguments.steps} steps: one after another {alone:.1f} s, abreast {abreast:.1f} s, "
        f"{abreast / alone:.2f} of it"
    )


if __name__ == "__main__":
    main()
