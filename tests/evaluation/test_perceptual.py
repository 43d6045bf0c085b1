"""The measures of other libraries: their ranges, and what is said when one is missing."""

import sys

import pytest
import torch

from mdfloss.evaluation.perceptual import jod, piq_measure


def test_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "piq", None)
    with pytest.raises(ModuleNotFoundError, match=r'piq: pip install "mdfloss\[metrics\]"'):
        piq_measure("gmsd")(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32))


def test_predictions_may_stick_out(generator: torch.Generator) -> None:
    target = torch.rand(2, 3, 40, 36, generator=generator)
    score = piq_measure("vsi")
    assert torch.allclose(score(3 * target - 1, target), score((3 * target - 1).clamp(0, 1), target))


def test_jod_gives_one_value_for_each_image(generator: torch.Generator) -> None:
    pytest.importorskip("pycvvdp")
    target = torch.rand(2, 3, 64, 48, generator=generator)
    values = jod(torch.stack([target[0], target[1].flip(0)]), target)
    assert values.shape == (2,)
    assert values[0] == pytest.approx(10)
    assert values[1] < 9.5
