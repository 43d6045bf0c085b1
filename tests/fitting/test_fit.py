import dataclasses
from pathlib import Path

import pytest
import torch
from torch import Tensor

from mdfloss.bank import DiscriminatorBank
from mdfloss.definitions import DEFINITIONS
from mdfloss.distortions import Downscale, GaussianNoise, Jpeg, load_distortion
from mdfloss.fitting import CheckpointError, FitConfig, FitDivergedError, FitProgress, fit
from mdfloss.fitting.checkpoint import STATE_NAME, has_state
from mdfloss.fitting.request import load_finished, pixel_hash
from mdfloss.loss import MDFLoss

TINY = FitConfig(
    num_scales=2, rho=1.6, iterations=4, critic_steps=1, generator_steps=2, width=4, crop_size=24, batch_size=2
)


class StopError(Exception):
    """Stands for whatever ends a process between two iterations."""


def fail_later(image: Tensor, generator: torch.Generator) -> Tensor:
    """A distortion that is sound at first: NaN once the level is larger than 60 px."""
    return image * float("nan") if 60 < image.shape[-2] < 100 else image


@pytest.fixture(scope="module")
def seed() -> Tensor:
    generator = torch.Generator().manual_seed(5)
    coarse = torch.rand(1, 3, 8, 9, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(64, 72), mode="bicubic").clamp(0, 1)


def _equal(first: DiscriminatorBank, second: DiscriminatorBank) -> bool:
    states = first.state_dict(), second.state_dict()
    return all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_a_bank_with_its_card(seed: Tensor):
    seen: list[FitProgress] = []
    bank = fit([seed], GaussianNoise(), TINY, task="denoise", licence="CC0-1.0", source="s", on_progress=seen.append)
    card = bank.card
    assert not bank.training
    assert [critic.width for critic in bank] == [4, 4]
    assert (card.task, card.rho, card.iterations, card.licence) == ("denoise", 1.6, 4, "CC0-1.0")
    assert card.distortion == {
        "class_path": "mdfloss.distortions.GaussianNoise",
        "init_args": {"sigma": [0.0, 55.0]},
    }
    assert card.seed_sha256 == (pixel_hash(seed),)
    assert card.input_range == (-1.0, 1.0)
    assert [(p.scale_index, p.iteration) for p in seen] == [(k, i) for k in range(2) for i in range(1, 5)]
    assert seen[-1].seconds_left == 0
    assert all(p.seconds_left > 0 and p.losses.finite for p in seen[:-1])
    assert all(torch.isfinite(value).all() for value in bank.state_dict().values())


def test_a_bank_says_how_it_is_read(seed: Tensor, tmp_path: Path):
    bank = fit([seed], Downscale(factor=2), TINY, task="sr", definition="structural")
    assert MDFLoss(bank).definition == DEFINITIONS["structural"]
    assert MDFLoss(bank, definition="balanced").definition == DEFINITIONS["balanced"]
    bank.save(tmp_path / "bank.safetensors")
    assert load_finished(tmp_path / "bank.safetensors", bank.card).card == bank.card
    with pytest.raises(CheckpointError, match="definition"):
        load_finished(tmp_path / "bank.safetensors", dataclasses.replace(bank.card, definition="balanced"))
    with pytest.raises(ValueError, match="definition must be one of"):
        fit([seed], Downscale(factor=2), TINY, task="sr", definition="structure")


def test_the_result_depends_on_the_arguments_only(seed: Tensor):
    state = torch.random.get_rng_state()
    first = fit([seed], GaussianNoise(), TINY, task="denoise")
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.rand(3)
    assert _equal(first, fit([seed], GaussianNoise(), TINY, task="denoise"))
    other = dataclasses.replace(TINY, random_seed=1)
    assert not _equal(first, fit([seed], GaussianNoise(), other, task="denoise"))


@pytest.mark.parametrize("stop_at", [(0, 1), (0, 4), (1, 3)])
def test_a_stopped_fit_ends_with_the_same_weights(seed: Tensor, tmp_path: Path, stop_at: tuple[int, int]):
    def stop(progress: FitProgress) -> None:
        if progress[:2] == stop_at:
            raise StopError

    whole = fit([seed], GaussianNoise(), TINY, task="denoise")
    with pytest.raises(StopError):
        fit([seed], GaussianNoise(), TINY, task="denoise", workdir=tmp_path, checkpoint_every=2, on_progress=stop)
    again: list[FitProgress] = []
    resumed = fit(
        [seed], GaussianNoise(), TINY, task="denoise", workdir=tmp_path, resume=True, on_progress=again.append
    )
    assert _equal(whole, resumed)
    assert again[0][:2] >= (stop_at[0], stop_at[1] - 2)


def test_chroma_changes_nothing_but_first_layers_and_matrices(seed: Tensor):
    plain, balanced = (fit([seed], GaussianNoise(), TINY, task="denoise", chroma=chroma) for chroma in (None, 0.62))
    changed = {key for key, value in plain.state_dict().items() if not torch.equal(value, balanced.state_dict()[key])}
    assert changed == {k for k in plain.state_dict() if k.endswith((".head.conv.weight", ".whitening"))}


def test_a_finished_fit_just_returns(seed: Tensor, tmp_path: Path):
    first = fit([seed], GaussianNoise(), TINY, task="denoise", workdir=tmp_path)
    seen: list[FitProgress] = []
    second = fit([seed], GaussianNoise(), TINY, task="denoise", workdir=tmp_path, resume=True, on_progress=seen.append)
    assert _equal(first, second)
    assert seen == []


def test_a_fit_that_is_there_is_neither_replaced_nor_mixed_up(seed: Tensor, tmp_path: Path):
    fit([seed], GaussianNoise(), TINY, task="denoise", workdir=tmp_path)
    with pytest.raises(FileExistsError, match="holds an unfinished fit: continue it"):
        fit([seed], GaussianNoise(), TINY, task="denoise", workdir=tmp_path)
    cases = (
        (seed, GaussianNoise(), dataclasses.replace(TINY, alpha=10.0), "alpha was 100.0, now 10.0"),
        (seed, GaussianNoise(sigma=25.0), TINY, r"distortion.init_args.sigma was \[0.0, 55.0\], now 25.0"),
        (seed.flip(-1), GaussianNoise(), TINY, "seed_sha256 was"),
    )
    for image, distortion, config, message in cases:
        with pytest.raises(CheckpointError, match=message):
            fit([image], distortion, config, task="denoise", workdir=tmp_path, resume=True)


def test_nan_stops_the_fit_and_keeps_the_last_good_state(seed: Tensor, tmp_path: Path):
    config = dataclasses.replace(TINY, crop_size=64)
    with pytest.raises(FitDivergedError, match=r"diverged at scale 1, iteration 1: losses are .*nan.*last good"):
        fit([seed], fail_later, config, task="odd", workdir=tmp_path)
    state = torch.load(tmp_path / STATE_NAME, weights_only=True)["state"]
    assert (state["scale_index"], state["iteration"]) == (1, 0)
    assert all(torch.isfinite(value).all() for critic in state["critics"] for value in critic.values())


def test_a_diverging_fit_without_a_folder_says_so(seed: Tensor):
    config = dataclasses.replace(TINY, alpha=1e38)
    with pytest.raises(FitDivergedError, match=r"scale 0, iteration .*no state was kept: give a workdir"):
        fit([seed * 0.5], GaussianNoise(sigma=1e30), config, task="odd")


def test_equal_widths_start_from_the_scale_before(seed: Tensor):
    config = dataclasses.replace(TINY, num_scales=6, iterations=1, rho=1.15, width=2)
    bank = fit([seed], GaussianNoise(), config, task="denoise")
    distance = [
        (bank[k].head.conv.weight - bank[k - 1].head.conv.weight).abs().max().item()
        if bank[k].width == bank[k - 1].width
        else None
        for k in range(1, 6)
    ]
    assert distance[3] is None
    assert max(d for d in distance if d is not None) < 0.002  # one step of Adam, not new weights of 0.02
    assert [critic.width for critic in bank] == [2, 2, 2, 2, 4, 4]


def test_several_seeds_of_different_sizes_and_gray(seed: Tensor):
    gray = seed[:, :1, :50, :61]
    bank = fit([seed, gray], GaussianNoise(), TINY, task="denoise")
    assert bank.card.seed_sha256 == (pixel_hash(seed), pixel_hash(gray.expand(-1, 3, -1, -1)))
    assert not _equal(bank, fit([seed], GaussianNoise(), TINY, task="denoise"))


@pytest.mark.parametrize("distortion", [Jpeg(), Downscale(4)])
@pytest.mark.parametrize("residual", ["previous", "distorted"])
def test_every_task_and_residual(seed: Tensor, distortion, residual):
    config = dataclasses.replace(TINY, iterations=2, residual=residual)
    bank = fit([seed], distortion, config, task="any")
    assert load_distortion(**bank.card.distortion) == distortion


def test_a_function_of_the_users_by_import_path(seed: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "haze_of_mine.py").write_text("def haze(image, generator):\n    return image * 0.8 + 0.2\n")
    monkeypatch.syspath_prepend(tmp_path)
    bank = fit([seed], load_distortion("haze_of_mine.haze"), TINY, task="dehaze")
    assert bank.card.distortion == {"class_path": "haze_of_mine.haze", "init_args": {}}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (torch.zeros(3, 64, 64), r"seed 0 must be one image of shape \(1, 1 or 3, H, W\), got \(3, 64, 64\)"),
        (torch.zeros(1, 4, 64, 64), r"got \(1, 4, 64, 64\)"),
        (torch.full((1, 3, 64, 64), 255.0), r"floats in \[0, 1\], got torch.float32 from 255 to 255: divide"),
        (torch.full((1, 3, 64, 64), float("nan")), r"floats in \[0, 1\]"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), r"floats in \[0, 1\], got torch.uint8"),
    ],
)
def test_what_is_no_seed(image: Tensor, message: str):
    with pytest.raises(ValueError, match=message):
        fit([image], GaussianNoise(), TINY, task="denoise")


def test_checkpoints_come_after_at_least_one_iteration(seed: Tensor):
    with pytest.raises(ValueError, match="checkpoint_every must be at least 1, got 0"):
        fit([seed], GaussianNoise(), TINY, task="denoise", checkpoint_every=0)


def test_resume_needs_a_folder_and_starts_where_there_is_nothing(seed: Tensor, tmp_path: Path):
    with pytest.raises(ValueError, match="resume needs the workdir"):
        fit([seed], GaussianNoise(), TINY, task="denoise", resume=True)
    folder = tmp_path / "new"
    fit([seed], GaussianNoise(), TINY, task="denoise", workdir=folder, resume=True)
    assert has_state(folder)
