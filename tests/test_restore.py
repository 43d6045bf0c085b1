from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch
from PIL import ImageCms
from torch import Tensor

from mdfloss.images import Picture, read_picture, write_image, write_picture
from mdfloss.networks import DnCNN
from mdfloss.restore import Tiling, plan_outputs, restore_files, restore_image, restore_picture


@pytest.fixture
def network(generator: torch.Generator) -> DnCNN:
    network = DnCNN(num_layers=6, num_features=4)
    network.initialise(generator)
    torch.nn.init.normal_(network.model[-1].weight, std=0.2, generator=generator)  # fresh ones are the identity
    return network.eval()


def identity(image: Tensor) -> Tensor:
    return image


def doubled(image: Tensor) -> Tensor:
    return image.repeat_interleave(2, 2).repeat_interleave(2, 3)


@pytest.mark.parametrize("size", [(97, 61), (32, 32), (33, 100), (1, 5)])
def test_tiles_with_the_receptive_field_as_margin_leave_no_seam(
    network: DnCNN, size: tuple[int, int], generator: torch.Generator
) -> None:
    image = torch.rand(1, 3, *size, generator=generator)
    with torch.no_grad():
        whole = network(image).clamp(0, 1)
    tiled = restore_image(network, image, tiling=Tiling(tile=32, overlap=6))
    assert torch.allclose(tiled, whole, atol=1e-6)


def test_a_margin_that_is_too_small_leaves_a_seam(network: DnCNN, generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 64, 64, generator=generator)
    whole = restore_image(network, image)
    tiled = restore_image(network, image, tiling=Tiling(tile=32, overlap=0))
    assert (tiled - whole).abs().max() > 1 / 255


def test_upscaling_networks_are_put_together_at_their_own_size(generator: torch.Generator) -> None:
    image = torch.rand(2, 3, 45, 31, generator=generator)
    tiled = restore_image(doubled, image, upscale=2, tiling=Tiling(tile=16, overlap=3))
    assert torch.equal(tiled, doubled(image))


def test_a_model_of_another_size_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"made \(1, 3, 8, 8\) of \(1, 3, 4, 4\), expected .*is its upscale 1\?"):
        restore_image(doubled, torch.zeros(1, 3, 4, 4))


def test_impossible_tilings_are_refused() -> None:
    with pytest.raises(ValueError, match="tile must be larger than two overlaps, got tile 64 and overlap 32"):
        Tiling(tile=64, overlap=32)
    with pytest.raises(ValueError, match="overlap must be at least 0 px, got -1"):
        Tiling(overlap=-1)


def test_gray_is_the_mean_of_a_colour_network(network: DnCNN, generator: torch.Generator) -> None:
    gray = torch.rand(1, 1, 20, 17, generator=generator)
    restored = restore_picture(network, Picture(gray, bit_depth=16))
    assert restored.bit_depth == 16
    expected = restore_image(network, gray.repeat(1, 3, 1, 1)).mean(1, keepdim=True)
    assert torch.equal(restored.image, expected)


def test_a_gray_network_takes_colour_channel_by_channel(generator: torch.Generator) -> None:
    image = torch.rand(1, 3, 12, 9, generator=generator)
    restored = restore_picture(lambda x: 1 - x, Picture(image), in_channels=1)
    assert torch.allclose(restored.image, 1 - image)


def test_alpha_comes_along_and_grows_with_the_picture(generator: torch.Generator) -> None:
    image, alpha = torch.rand(1, 3, 12, 9, generator=generator), torch.full((1, 1, 12, 9), 0.25)
    assert restore_picture(identity, Picture(image, alpha)).alpha is alpha
    grown = restore_picture(doubled, Picture(image, alpha), upscale=2).alpha
    assert grown is not None
    assert torch.allclose(grown, torch.full((1, 1, 24, 18), 0.25), atol=1e-5)


def test_files_keep_their_kind(tmp_path: Path, generator: torch.Generator) -> None:
    colour, alpha = torch.rand(1, 3, 20, 30, generator=generator), torch.rand(1, 1, 20, 30, generator=generator)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(tmp_path / "in" / "a.png", Picture(colour, alpha, 16, profile))
    write_picture(tmp_path / "in" / "deep" / "b.tif", Picture(colour[:, :1], bit_depth=16))
    plan = plan_outputs([tmp_path / "in"], tmp_path / "out")
    result = restore_files(identity, plan)
    assert result.written == [tmp_path / "out" / "a.png", tmp_path / "out" / "deep" / "b.tif"]
    for source, target in plan.items():
        before, after = read_picture(source), read_picture(target)
        assert torch.equal(before.image, after.image)
        assert before.bit_depth == after.bit_depth == 16
        assert (before.alpha is None) == (after.alpha is None)
        assert before.profile == after.profile


def test_a_broken_file_is_named_and_the_others_are_restored(tmp_path: Path) -> None:
    write_image(tmp_path / "in" / "good.png", torch.zeros(1, 3, 8, 8))
    (tmp_path / "in" / "bad.png").write_text("not a picture")
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "moved.png")
    result = restore_files(identity, plan_outputs([tmp_path / "in"], tmp_path / "out"))
    assert [path.name for path in result.written] == ["good.png"]
    assert [skipped.path.name for skipped in result.skipped] == ["bad.png", "gone.png"]
    assert "is not an image" in result.skipped[0].reason
    assert "no such file" in result.skipped[1].reason


def test_a_file_in_the_place_of_a_folder_is_refused_before_anything_is_restored(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", torch.zeros(1, 3, 8, 8))
    (tmp_path / "taken").write_text("")
    for output in (tmp_path / "taken", tmp_path / "taken" / "b.png"):
        with pytest.raises(ValueError, match="taken is a file, so nothing can be written into it"):
            plan_outputs([tmp_path / "a.png"], output)


def test_nothing_is_overwritten_and_nothing_half_done(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_image(tmp_path / "in" / name, torch.zeros(1, 3, 8, 8))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_text("precious")
    plan = plan_outputs([tmp_path / "in"], tmp_path / "out")
    with pytest.raises(FileExistsError, match=r"b\.png exists"):
        restore_files(identity, plan)
    assert [path.read_text() for path in (tmp_path / "out").iterdir()] == ["precious"]
    assert len(restore_files(identity, plan, force=True).written) == 2


def test_plans_that_would_lose_a_picture_are_refused(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        write_image(tmp_path / folder / "a.png", torch.zeros(1, 3, 8, 8))
    with pytest.raises(ValueError, match="the place of"):
        plan_outputs([tmp_path / "x", tmp_path / "y"], tmp_path / "out")
    with pytest.raises(ValueError, match="the place of"):
        plan_outputs([tmp_path / "x"], tmp_path / "x")
    with pytest.raises(ValueError, match=r"out.png is one picture, but 1 inputs|name a folder"):
        plan_outputs([tmp_path / "x"], tmp_path / "out.png")
    one = plan_outputs([tmp_path / "x" / "a.png"], tmp_path / "b.png")
    assert one == {tmp_path / "x" / "a.png": tmp_path / "b.png"}


@pytest.mark.slow
def test_an_output_never_replaces_another_input(tmp_path: Path) -> None:
    for name in ("a.png", "restored/a.png"):
        write_image(tmp_path / name, torch.rand(1, 3, 8, 8))
    with pytest.raises(
        ValueError, match=r"a\.png would be written to .*restored/a\.png, the place of .*restored/a\.png"
    ):
        plan_outputs([tmp_path], tmp_path / "restored")


def test_what_the_network_makes_of_one_file_does_not_stop_the_others(tmp_path: Path) -> None:
    for name, value in (("bad", 1.0), ("good", 0.0)):
        write_image(tmp_path / "in" / f"{name}.png", torch.full((1, 3, 8, 8), value))
    result = restore_files(lambda x: x / (1 - x) * (1 - x), plan_outputs([tmp_path / "in"], tmp_path / "out"))
    assert [path.name for path in result.written] == ["good.png"]
    assert [skipped.path.name for skipped in result.skipped] == ["bad.png"]


def test_a_picture_of_50_megapixels_needs_little_more_than_itself(network: DnCNN) -> None:
    image = torch.zeros(1, 3, 5000, 10000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    restore_image(network, image)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    assert grown < 1.0  # GiB; the result itself takes 0.56
