import pytest
import torch
from torch import Tensor, nn

from mdfloss.fitting.windows import Window, cut, grow, random_windows, source_window, upsample


def _window(top: list[int], left: list[int], size: tuple[int, int]) -> Window:
    return Window(torch.tensor(top), torch.tensor(left), size)


def test_random_windows_lie_inside_and_reach_every_place(generator: torch.Generator):
    window = random_windows((20, 9), crop_size=17, batch_size=500, generator=generator)
    assert window.size == (17, 9)
    assert set(window.top.tolist()) == {0, 1, 2, 3}
    assert set(window.left.tolist()) == {0}


def test_random_windows_depend_on_the_generator_only():
    first, second = (
        random_windows((90, 80), crop_size=16, batch_size=5, generator=torch.Generator().manual_seed(7))
        for _ in range(2)
    )
    assert torch.equal(first.top, second.top)
    assert torch.equal(first.left, second.left)


def test_grown_windows_are_shifted_inside_the_level():
    grown = grow(_window([0, 10, 4], [3, 3, 0], (6, 6)), 2, level=(16, 9))
    assert grown.size == (10, 9)
    assert grown.top.tolist() == [0, 6, 2]
    assert grown.left.tolist() == [0, 0, 0]


def test_cut_is_slicing_inside_and_zero_outside(generator: torch.Generator):
    image = torch.rand(1, 3, 12, 10, generator=generator)
    padded = nn.functional.pad(image, (5, 5, 5, 5))
    window = _window([0, 6, 3], [2, 0, 4], (6, 6))
    taken = cut(image, grow(window, 5, level=None))
    for k, (top, left) in enumerate([(0, 2), (6, 0), (3, 4)]):
        assert torch.equal(taken[k], padded[0, :, top : top + 16, left : left + 16])


def test_cut_through_a_wider_window_equals_cut_of_the_level(generator: torch.Generator):
    image = torch.rand(1, 3, 40, 33, generator=generator)
    window = _window([0, 20, 31], [24, 7, 0], (9, 9))
    wide = grow(window, 5, level=(40, 33))
    through = cut(cut(image, wide), grow(window, 5, level=None), origin=wide)
    assert torch.equal(through, cut(image, grow(window, 5, level=None)))


def _upsampled(source: Tensor, window: Window, level: tuple[int, int]) -> Tensor:
    source_level = (source.shape[-2], source.shape[-1])
    origin = source_window(window, level=level, source_level=source_level)
    return upsample(cut(source, origin), window, origin=origin, level=level, source_level=source_level)


@pytest.mark.parametrize("level", [(37, 61), (43, 47)])
def test_upsampling_a_whole_level_is_pytorchs_bicubic(level: tuple[int, int], generator: torch.Generator):
    source = torch.rand(1, 3, 26, 31, generator=generator)
    expected = nn.functional.interpolate(source, size=level, mode="bicubic", align_corners=False)
    torch.testing.assert_close(_upsampled(source, _window([0], [0], level), level), expected, atol=1e-5, rtol=0)


def test_upsampling_windows_equals_cutting_the_upsampled_level(generator: torch.Generator):
    source = torch.rand(1, 3, 36, 51, generator=generator)
    level = (52, 71)
    whole = nn.functional.interpolate(source, size=level, mode="bicubic", align_corners=False)
    window = random_windows(level, crop_size=13, batch_size=20, generator=generator)
    torch.testing.assert_close(_upsampled(source, window, level), cut(whole, window), atol=1e-5, rtol=0)
