"""The commands one after the other on real pictures: init, serve's page, export, analyze with figures, simulate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from participant import Participant
from starlette.testclient import TestClient

from mdfloss.cli import main
from mdfloss.evaluation.metrics import ssim
from mdfloss.images import read_image, write_image
from mdfloss.study.app import create_app
from mdfloss.study.links import Secrets
from mdfloss.study.scaling import preference
from mdfloss.study.trials import Study

METHODS = ("box", "median", "nlm")


def denoised(noisy: torch.Tensor) -> dict[str, torch.Tensor]:
    from skimage.filters import median
    from skimage.restoration import denoise_nl_means

    pixels = noisy[0].permute(1, 2, 0).numpy()
    filtered = np.stack([median(pixels[..., channel], np.ones((3, 3))) for channel in range(3)], -1)
    means = denoise_nl_means(pixels, patch_size=5, patch_distance=4, h=0.08, sigma=0.1, channel_axis=-1)
    return {
        "box": torch.nn.functional.avg_pool2d(noisy, 5, 1, 2, count_include_pad=False),
        "median": torch.from_numpy(filtered).permute(2, 0, 1)[None].float(),
        "nlm": torch.from_numpy(means).permute(2, 0, 1)[None].float(),
    }


@pytest.fixture
def folders(data_dir: Path, tmp_path: Path) -> tuple[Path, dict[tuple[str, str], float]]:
    """Three denoisers' results on 20 photographs, 160×160 px, and their structural dissimilarity."""
    random, distance = torch.Generator().manual_seed(0), {}
    for path in sorted((data_dir / "bsds500" / "test").glob("*.jpg"))[:20]:
        clean = read_image(path)[..., 80:240, 80:240]
        write_image(tmp_path / "reference" / f"{path.stem}.png", clean)
        noisy = (clean + 0.1 * torch.randn(clean.shape, generator=random)).clamp(0, 1)
        for method, result in denoised(noisy).items():
            write_image(tmp_path / method / f"{path.stem}.png", result.clamp(0, 1))
            distance[path.stem, method] = 1 - float(ssim(result.clamp(0, 1), clean).mean())
    return tmp_path, distance


def observer(distance: dict[tuple[str, str], float], seed: int) -> Callable[[str, str, str], bool]:
    """Chooses by perceptual distance, with the noise of the model; 0.1 of dissimilarity are 1.5 JND."""
    random = np.random.default_rng(seed)
    obvious = {"reference": 0.0, "known-bad": 2.0}

    def choose(scene: str, left: str, right: str) -> bool:
        one, two = (distance.get((scene, name), obvious.get(name, 0.0)) for name in (left, right))
        return bool(random.random() < preference(15 * (two - one)))

    return choose


@pytest.mark.data
def test_from_results_to_figures(
    folders: tuple[Path, dict[tuple[str, str], float]], capsys: pytest.CaptureFixture[str]
) -> None:
    root, distance = folders
    methods = [str(root / method) for method in METHODS]
    made = ["--reference", str(root / "reference"), "--output", str(root / "study"), "--participants", "3"]
    assert main(["study", "init", *methods, *made]) == 0
    study = Study.load(root / "study")
    assert len(study.scenes) == 20
    keys = Secrets.load(root / "study" / "secrets.json")
    with TestClient(create_app(study.folder), follow_redirects=False) as client:
        for number in range(20):
            someone = Participant(client, f"/s/{keys.link(f'seat-{number}')}", study)
            someone.start()
            someone.walk(observer(distance, number))
        for table in ("votes", "checks"):
            answer = client.get(f"/admin/{table}.csv", auth=("admin", keys.admin_token))
            (root / f"{table}.csv").write_text(answer.text)
    psnr = "method,psnr\nbox,24\nmedian,26\nnlm,28\n"
    (root / "psnr.csv").write_text(psnr)
    exported = ["study", "analyze", str(root / "votes.csv"), "--checks", str(root / "checks.csv")]
    options = ["--samples", "60", "--psnr", str(root / "psnr.csv")]
    assert main([*exported, "--output", str(root / "one"), *options]) == 0
    assert main(["study", "analyze", str(root / "study"), "--output", str(root / "two"), *options]) == 0
    assert len((root / "votes.csv").read_text().splitlines()) == 1 + 20 * 9
    assert "screening: 0 work units missed an obvious trial" in capsys.readouterr().out
    for name in ("scores.csv", "pairs.csv", "summary.json"):  # the export tells what the database tells
        assert (root / "one" / name).read_text() == (root / "two" / name).read_text()
    lines = (root / "one" / "scores.csv").read_text().splitlines()[1:]
    scores = {line.split(",")[0]: float(line.split(",")[1]) for line in lines}
    means = {m: np.mean([value for (_, name), value in distance.items() if name == m]) for m in METHODS}
    assert max(scores, key=scores.__getitem__) == min(means, key=means.__getitem__)
    for figure in ("scores", "significance", "plane"):
        assert (root / "one" / f"{figure}.svg").read_text().lstrip().startswith("<?xml")
    assert main(["study", "simulate", str(root / "study"), "--width", "1.0"]) == 0
    assert "participants" in capsys.readouterr().out


def test_faults_are_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "serve", str(tmp_path)]) == 1
    assert "is no study" in capsys.readouterr().err
    (tmp_path / "votes.csv").write_text("a,b\n1,2\n")
    assert main(["study", "analyze", str(tmp_path / "votes.csv"), "--output", str(tmp_path / "out")]) == 1
    assert "vote 1 lacks observer" in capsys.readouterr().err
