from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from mdfloss.cli import main
from mdfloss.commands.train import PRESETS
from mdfloss.images import read_picture, write_image
from mdfloss.networks import read_card
from mdfloss.training.run_folder import RunFolder


@pytest.fixture
def folders(tmp_path: Path, generator: torch.Generator) -> list[str]:
    for folder in ("train", "val"):
        write_image(tmp_path / folder / "a.png", torch.rand(1, 3, 60, 60, generator=generator))
    options = ["--train-dir", str(tmp_path / "train"), "--val-dir", str(tmp_path / "val")]
    return [*options, "-o", str(tmp_path / "run"), "--accelerator", "cpu", "--steps", "2", "--batch-size", "2"]


def test_a_network_is_trained_and_restores_pictures(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = ["--network", "DnCNN", "--network.num_layers", "3", "--network.num_features", "4"]
    noise = ["--distortion", "GaussianNoise", "--distortion.sigma", "[0,55]"]
    args = ["train", *folders, *network, *noise, "--loss", "mse+0.1*l1"]
    assert main(args) == 0
    assert "best validation psnr" in capsys.readouterr().out
    card = read_card(tmp_path / "run")
    assert (card.loss, card.arguments["num_layers"]) == ("mse+0.1*l1", 3)
    assert card.distortion["init_args"] == {"sigma": [0.0, 55.0]}
    assert main(args) == 1
    assert "is in use: pass --resume" in capsys.readouterr().err
    assert main([*args, "--resume"]) == 0
    assert main([*args, "--resume", "--lr", "0.5"]) == 1
    assert "optimizer.lr was 0.001, now 0.5" in capsys.readouterr().err.replace("\n", " ")

    (tmp_path / "val" / "bad.png").write_text("not a picture")
    restore = ["restore", str(tmp_path / "run"), str(tmp_path / "val"), "-o", str(tmp_path / "out")]
    assert main(restore) == 1
    assert "1 of 2 pictures could not be restored" in capsys.readouterr().err
    assert read_picture(tmp_path / "out" / "a.png").image.shape == (1, 3, 60, 60)
    (tmp_path / "val" / "bad.png").unlink()
    assert main(restore) == 1
    assert "exists" in capsys.readouterr().err
    assert main([*restore, "--force"]) == 0


def test_ctrl_c_ends_a_training_as_such(folders: list[str], tmp_path: Path) -> None:
    command = ["train", *folders, "--network", "DnCNN", "--network.num_layers=3", "--network.num_features=4"]
    command += ["--distortion", "GaussianNoise", "--distortion.sigma=25", "--steps=100000", "--val-every=10"]
    start = "import sys; from mdfloss.cli import main; sys.exit(main(sys.argv[1:]))"
    training = subprocess.Popen([sys.executable, "-c", start, *command], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run" / "last.ckpt").is_file():
        assert training.poll() is None
        time.sleep(0.1)
    training.send_signal(signal.SIGINT)
    _, said = training.communicate(timeout=120)
    assert training.returncode == 130
    assert said.rstrip().endswith("interrupted")
    assert "Traceback" not in said
    assert RunFolder(tmp_path / "run").load_state() is not None


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_train(preset: str, folders: list[str], tmp_path: Path) -> None:
    options = yaml.safe_load(PRESETS[preset].read_text())
    depth = {"DnCNN": "num_layers"}.get(options["network"]["class_path"], "num_blocks")
    small = [f"--network.{depth}", "3", "--network.num_features", "4", "--patch-size", "32", "--critic-features", "4"]
    assert main(["train", *folders, *small, "--preset", preset]) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert config["network_args"][depth] == 3
    assert config["optimizer"]["lr"] == options["lr"]
    assert ("adversarial" in config) == ("adversarial" in options)


def test_there_is_a_preset_of_each_kind() -> None:
    assert {name.rpartition("_")[2] for name in PRESETS} == {"paper", "standard", "quick"}
    networks = {yaml.safe_load(path.read_text())["network"]["class_path"] for path in PRESETS.values()}
    assert networks == {"DnCNN", "EDSR", "RRDBNet", "SRResNet"}


def test_a_preset_yields_to_a_config_and_both_to_options(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("lr: 0.5\nval_images: 3\n")
    small = ["--network.num_layers", "2", "--network.num_features=2", "--patch-size", "16", "--val-images", "4"]
    assert main(["train", *folders, *small, "--config", str(tmp_path / "own.yaml"), "--preset=dncnn_quick"]) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert (config["optimizer"]["lr"], config["data"]["val_images"], config["data"]["patch_size"]) == (0.5, 4, 16)
    assert config["network_args"]["num_features"] == 2


def test_an_unknown_preset_lists_the_known_ones(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *folders, "--preset", "vdsr_quick"]) == 1
    assert "dncnn_quick" in capsys.readouterr().err
