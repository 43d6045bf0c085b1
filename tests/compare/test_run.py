"""One run: its files, what it never does twice, and that scores are those of its pictures."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from mdfloss.bank import DiscriminatorBank
from mdfloss.compare import Grid, GridLoss, GridTask, GridTest, Plan, run_one
from mdfloss.compare.grid import GridNetwork
from mdfloss.compare.run import grid_examples, is_done, read_result
from mdfloss.evaluation import ScoreTable, measure
from mdfloss.images import ImageFileError, read_image, write_image
from mdfloss.networks import load_network, save_network
from mdfloss.training.run_folder import RunFolderError


def noise(sigma: float) -> dict:
    return {"class_path": "GaussianNoise", "init_args": {"sigma": sigma}}


def test_run_leaves_everything_and_is_not_done_again(plan: Plan, tmp_path: Path) -> None:
    grid, run = plan.grid, plan.runs[0]
    folder = run_one(grid, run, tmp_path / "out")
    assert folder == tmp_path / "out" / "runs" / "denoise" / "tiny" / "L1" / "steps2-lr0.001" / "seed0"
    names = {path.name for path in folder.iterdir()}
    assert {"config.json", "curves.csv", "last.safetensors", "tests", "result.json"} <= names
    assert "gradient_norm" in (folder / "curves.csv").read_text()
    table = ScoreTable.load_csv(folder / "tests" / "test" / "scores.csv")
    restored = read_image(folder / "tests" / "test" / "restored" / "1.png")
    clean = read_image(tmp_path / "test" / "1.png")
    expected = measure("psnr", restored, clean, protocol=grid.tasks["denoise"].protocol).item()
    assert table.column("L1", "psnr")[1] == pytest.approx(expected)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    run_one(grid, run, tmp_path / "out")
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_half_done_run_goes_on(plan: Plan, tmp_path: Path) -> None:
    grid, run = plan.grid, plan.runs[0]
    folder = run_one(grid, run, tmp_path / "out")
    scores = folder / "tests" / "test" / "scores.csv"
    before = (folder / "last.safetensors").read_bytes(), scores.read_bytes()
    (folder / "result.json").unlink()
    scores.unlink()
    assert not is_done(grid, run, tmp_path / "out")
    run_one(grid, run, tmp_path / "out")
    assert ((folder / "last.safetensors").read_bytes(), scores.read_bytes()) == before


def test_trainings_go_on_from_the_network_that_they_start_from(plan: Plan, tmp_path: Path) -> None:
    first = run_one(plan.grid, plan.runs[0], tmp_path / "first")
    (tiny,) = plan.grid.networks.values()
    grid = replace(
        plan.grid, networks={"tiny": replace(tiny, start=str(first))}, training=replace(plan.grid.training, lrs=(1e-9,))
    )
    then = run_one(grid, Plan(grid, {}).runs[0], tmp_path / "then")
    begun, ended = (load_file(folder / "last.safetensors") for folder in (first, then))
    assert all(torch.allclose(ended[name], begun[name], atol=1e-7) for name in begun)
    assert is_done(grid, Plan(grid, {}).runs[0], tmp_path / "then")
    begun["model.0.bias"] += 1
    network = load_network(first)
    network.load_state_dict(begun)
    save_network(network, first / "best.safetensors", force=True)
    with pytest.raises(RunFolderError, match="start_sha256 was"):
        run_one(grid, Plan(grid, {}).runs[0], tmp_path / "then")


def test_other_tests_and_metrics_are_scored_without_another_training(plan: Plan, tmp_path: Path) -> None:
    folder = run_one(plan.grid, plan.runs[0], tmp_path / "out")
    trained = (folder / "last.ckpt").stat().st_mtime_ns
    seconds = (read_result(folder) or {})["seconds"]
    task = GridTask(noise(25), tests={"weak": GridTest(noise(5)), "strong": GridTest(noise(50))}, crop_border=2)
    wider = replace(plan.grid, tasks={"denoise": task}, metrics=("ssim",))
    assert not is_done(wider, plan.runs[0], tmp_path / "out")
    run_one(wider, plan.runs[0], tmp_path / "out")
    assert is_done(wider, plan.runs[0], tmp_path / "out")
    assert (folder / "last.ckpt").stat().st_mtime_ns == trained
    assert (read_result(folder) or {})["seconds"] == seconds
    for test in ("weak", "strong"):
        assert ScoreTable.load_csv(folder / "tests" / test / "scores.csv").metrics == ("ssim",)


def test_pictures_that_were_replaced_are_scored_anew(plan: Plan, tmp_path: Path) -> None:
    folder = run_one(plan.grid, plan.runs[0], tmp_path / "out")
    scores, trained = folder / "tests" / "test" / "scores.csv", (folder / "last.ckpt").stat().st_mtime_ns
    before = ScoreTable.load_csv(scores).column(plan.runs[0].loss, "psnr")
    write_image(tmp_path / "test" / "1.png", torch.rand(1, 3, 40, 44), force=True)
    assert not is_done(plan.grid, plan.runs[0], tmp_path / "out")
    run_one(plan.grid, plan.runs[0], tmp_path / "out")
    assert is_done(plan.grid, plan.runs[0], tmp_path / "out")
    changed = ScoreTable.load_csv(scores).column(plan.runs[0].loss, "psnr") != before
    assert changed.tolist() == [False, True, False]
    assert (folder / "last.ckpt").stat().st_mtime_ns == trained


def test_another_training_under_the_same_name_is_refused(plan: Plan, tmp_path: Path) -> None:
    run_one(plan.grid, plan.runs[0], tmp_path / "out")
    other = replace(plan.grid, training=replace(plan.grid.training, batch_size=3))
    assert not is_done(other, plan.runs[0], tmp_path / "out")
    with pytest.raises(RunFolderError, match="batch_size was 2, now 3"):
        run_one(other, plan.runs[0], tmp_path / "out")


def test_a_bank_that_was_fitted_anew_makes_another_run(
    plan: Plan, tiny_bank: DiscriminatorBank, tmp_path: Path
) -> None:
    bank = tmp_path / "bank.safetensors"
    tiny_bank.save(bank)
    grid = replace(plan.grid, losses={"MDF": GridLoss(f"mdf:{bank}@paper")}, candidate="MDF")
    run = Plan(grid, {}).runs[0]
    run_one(grid, run, tmp_path / "out")
    assert is_done(grid, run, tmp_path / "out")
    tiny_bank[0].head.conv.weight.data *= 2
    tiny_bank.save(bank, force=True)
    assert not is_done(grid, run, tmp_path / "out")
    with pytest.raises(RunFolderError, match="banks_sha256 was"):
        run_one(grid, run, tmp_path / "out")


def test_a_gray_network_is_scored_on_gray_pictures(plan: Plan, tmp_path: Path) -> None:
    gray = GridNetwork("DnCNN", {"num_layers": 3, "num_features": 4, "in_channels": 1})
    grid = replace(plan.grid, networks={"gray": gray})
    folder = run_one(grid, Plan(grid, {}).runs[0], tmp_path / "out")
    restored = read_image(folder / "tests" / "test" / "restored" / "1.png", channels=None)
    assert restored.shape[1] == 1


def test_two_pictures_of_one_name_are_refused(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "test" / "1.bmp").write_bytes((tmp_path / "test" / "1.png").read_bytes())
    with pytest.raises(ImageFileError, match=r"1\.\w+ and .*1\.\w+ have one name"):
        next(grid_examples(plan.grid, "denoise", "test"))


def test_an_option_that_a_run_could_not_know_makes_it_no_other_run(plan: Plan, tmp_path: Path) -> None:
    file = run_one(plan.grid, plan.runs[0], tmp_path / "out") / "result.json"
    result = json.loads(file.read_text())
    assert result["asked"]["training"]["optimizer"].pop("clip_norm") is None
    file.write_text(json.dumps(result))
    assert is_done(plan.grid, plan.runs[0], tmp_path / "out")


def test_a_training_that_diverges_is_a_result(plan: Plan, tmp_path: Path) -> None:
    run = plan.runs[0]._replace(lr=1e30, steps=40)
    folder = run_one(plan.grid, run, tmp_path / "out")
    result = json.loads((folder / "result.json").read_text())
    assert "is no longer finite" in result["failure"]
    assert is_done(plan.grid, run, tmp_path / "out")


def test_every_method_sees_the_same_distorted_pictures(grid: Grid) -> None:
    first, again = list(grid_examples(grid, "denoise", "test")), list(grid_examples(grid, "denoise", "test"))
    assert [example.name for example in first] == ["0", "1", "2"]
    assert all(torch.equal(a.distorted, b.distorted) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0].distorted - first[0].clean, first[1].distorted - first[1].clean)
    assert next(grid_examples(grid, "denoise", "test", upscale=3)).clean.shape == (1, 3, 39, 42)


def test_a_test_has_a_distortion_and_pictures_of_its_own(grid: Grid, tmp_path: Path) -> None:
    tests = {"weak": GridTest(noise(5)), "other": GridTest(images=str(tmp_path / "val"))}
    grid = replace(grid, tasks={"denoise": GridTask(noise(25), tests=tests)})
    weak, other = next(grid_examples(grid, "denoise", "weak")), next(grid_examples(grid, "denoise", "other"))
    assert (weak.distorted - weak.clean).std().item() == pytest.approx(5 / 255, rel=0.1)
    assert (other.distorted - other.clean).std().item() == pytest.approx(25 / 255, rel=0.1)
    assert torch.equal(other.clean, read_image(tmp_path / "val" / "0.png"))
