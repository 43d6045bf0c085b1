"""`mdfloss fit` as a user runs it: killed, resumed, repeated, refused."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from mdfloss import cli
from mdfloss.bank import DiscriminatorBank
from mdfloss.fitting.checkpoint import STATE_NAME
from mdfloss.images import write_image
from mdfloss.loss import MDFLoss

OPTIONS = ["--num-scales", "2", "--iterations", "40", "--width", "4", "--crop-size", "32", "--preset", "quick"]


@pytest.fixture
def picture(tmp_path: Path, generator: torch.Generator) -> Path:
    coarse = torch.rand(1, 3, 8, 8, generator=generator)
    image = torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic").clamp(0, 1)
    write_image(tmp_path / "seed.png", image)
    return tmp_path / "seed.png"


def _arguments(picture: Path, output: Path, *more: str) -> list[str]:
    return ["fit", str(picture), "-o", str(output), "--distortion", "GaussianNoise", *OPTIONS, *more]


def _same_weights(first: Path, second: Path) -> bool:
    states = [DiscriminatorBank.load(path).state_dict() for path in (first, second)]
    return all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def _kill_in_the_middle(arguments: list[str], state: Path) -> None:
    """Start a fit and kill it without warning once it has written a checkpoint."""
    code = "import sys; from mdfloss.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *arguments, "--checkpoint-every", "10"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        while not state.exists():
            assert process.poll() is None, "the fit ended before its first checkpoint"
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def test_a_killed_fit_resumes_to_the_same_bank(picture: Path, tmp_path: Path):
    killed, whole = tmp_path / "killed.safetensors", tmp_path / "whole.safetensors"
    state = tmp_path / "killed.safetensors.fit" / STATE_NAME
    _kill_in_the_middle(_arguments(picture, killed), state)
    assert not killed.exists()
    assert cli.main(_arguments(picture, killed)) == 1  # neither resumed nor lost by accident
    assert cli.main(_arguments(picture, killed, "--resume", "--rho", "1.3")) == 1
    assert state.exists()
    assert cli.main(_arguments(picture, killed, "--resume")) == 0
    assert cli.main(_arguments(picture, whole)) == 0
    assert _same_weights(killed, whole)
    assert not state.parent.exists()


def test_an_existing_bank_is_safe(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "bank.safetensors"
    quick = ["--iterations", "2"]
    assert cli.main(_arguments(picture, output, *quick)) == 0
    before = output.read_bytes()
    assert cli.main(_arguments(picture, output, *quick)) == 1
    assert "pass --force" in capsys.readouterr().err
    assert cli.main(_arguments(picture, output, *quick, "--resume")) == 0
    assert cli.main(_arguments(picture, output, *quick, "--resume", "--task", "grain")) == 1
    assert "task was 'denoise', now 'grain'" in capsys.readouterr().err
    assert output.read_bytes() == before
    assert cli.main(_arguments(picture, output, *quick, "--force", "--seed", "1")) == 0
    assert output.read_bytes() != before


def test_the_plan_the_bank_and_the_loss(picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "bank.safetensors"
    assert cli.main(_arguments(picture, output, "--iterations", "2", "--licence", "CC0-1.0")) == 0
    shown = capsys.readouterr().out
    assert "64×64" in shown
    assert "expected time" in shown
    card = DiscriminatorBank.load(output).card
    assert (card.task, card.licence, card.num_scales) == ("denoise", "CC0-1.0", 2)
    assert "seed.png" in card.source
    pred = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0), requires_grad=True)
    loss = MDFLoss(output)(pred, torch.full((1, 3, 40, 40), 0.5))
    loss.backward()
    assert loss.item() > 0
    assert pred.grad is not None
    assert torch.isfinite(pred.grad).all()


def test_a_distortion_of_the_users_and_two_seeds(picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_blur.py").write_text(
        "import torch\n\n\nclass MotionBlur:\n"
        "    def __init__(self, length: int = 3) -> None:\n        self.length = length\n\n"
        "    def __call__(self, image, generator):\n"
        "        shifts = [image.roll(k, -1) for k in range(self.length)]\n"
        "        return torch.stack(shifts).mean(0)\n"
    )
    monkeypatch.chdir(tmp_path)
    output = tmp_path / "bank.safetensors"
    arguments = ["fit", str(picture), "camera", "-o", str(output), *OPTIONS, "--iterations", "1"]
    assert cli.main([*arguments, "--distortion", "my_blur.MotionBlur", "--distortion.length", "5"]) == 0
    card = DiscriminatorBank.load(output).card
    assert card.distortion == {"class_path": "my_blur.MotionBlur", "init_args": {"length": 5}}
    assert card.task == "MotionBlur"
    assert len(card.seed_sha256) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["--num-scales", "8", "--rho", "2"], "K=8 with rho=2 needs 1408 px on the short side"),
        (["--rho", "0.5"], "rho must be above 1"),
        (["-o", "bank.pth"], "saved as .safetensors"),
        (["--config", "missing.yaml"], "missing.yaml"),
    ],
)
def test_mistakes_are_told_before_anything_is_computed(
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: list[str],
    message: str,
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(_arguments(picture, tmp_path / "bank.safetensors", *changes)) != 0
    assert message in capsys.readouterr().err.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed.png"]


def test_a_folder_in_the_bank_s_place_is_left_as_it_is(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bank.safetensors").mkdir()
    assert cli.main(_arguments(picture, tmp_path / "bank.safetensors", "--force")) == 1
    assert "is a folder: choose another name for the bank" in capsys.readouterr().err.replace("\n", " ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bank.safetensors", "seed.png"]
