import dataclasses

import pytest

from mdfloss import load_bank
from mdfloss.fitting import FitConfig
from mdfloss.fitting.config import CHROMA


def test_defaults_are_the_papers():
    config = FitConfig.preset("paper")
    assert config == FitConfig()
    assert (config.num_scales, config.iterations, config.alpha) == (8, 3000, 100)
    assert (config.critic_steps, config.generator_steps) == (3, 3)
    assert config.widths == (32, 32, 32, 32, 64, 64, 64, 64)
    assert FitConfig(num_scales=13, max_width=100).widths[8:] == (100, 100, 100, 100, 100)


@pytest.mark.parametrize(
    ("name", "preset"), [("denoise", "full"), ("jpeg", "full"), ("sr_x4", "full"), ("deblur", "quick")]
)
def test_the_recipes_of_the_shipped_banks(name: str, preset: str):
    card = load_bank(name).card
    assert card.fit == dataclasses.asdict(FitConfig.preset(preset, rho=card.rho)) | {"chroma": CHROMA}


def test_quick_can_be_changed():
    quick = FitConfig.preset("quick", iterations=7)
    assert quick.iterations == 7
    assert quick.critic_steps == quick.generator_steps == 1
    assert quick.num_scales == 8
    assert set(quick.widths) == {16}
    assert set(FitConfig.preset("quick", width=24).widths) == {24}
    assert set(FitConfig.preset("quick", width=24, max_width=20).widths) == {20}


def test_not_more_than_twelve_fields():
    assert len(dataclasses.fields(FitConfig)) <= 12


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": 0}, "iterations must be at least 1, got 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, got -1"),
        ({"crop_size": 10}, "crop_size must be at least 11, what a discriminator sees, got 10"),
        ({"rho": 1.0}, "rho must be above 1, got 1.0"),
        ({"rho": float("nan")}, "rho must be above 1, got nan"),
        ({"alpha": float("inf")}, "alpha must be finite and not negative, got inf"),
        ({"residual": "input"}, r"residual must be one of \('previous', 'distorted'\), got 'input'"),
    ],
)
def test_impossible_options(changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        FitConfig(**changes)


def test_unknown_preset_and_field():
    with pytest.raises(ValueError, match=r"preset must be one of \('quick', 'full', 'paper'\), got 'fast'"):
        FitConfig.preset("fast")
    with pytest.raises(TypeError, match="epochs"):
        FitConfig.preset("quick", epochs=3)
