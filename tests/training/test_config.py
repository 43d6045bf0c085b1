from __future__ import annotations

from typing import Any

import pytest
import torch

from mdfloss.training import DataConfig, Hardware, OptimizerConfig, TrainConfig
from mdfloss.training.config import make_optimizer

DATA = DataConfig(train_dir="train", val_dir="val")


@pytest.mark.parametrize(
    "options, expected",
    [
        ({"schedule": "constant"}, [0.1, 0.1, 0.1]),
        ({"schedule": "cosine"}, [0.1, 0.05, 0.0]),
        ({"schedule": "cosine", "lr_final": 0.02}, [0.1, 0.06, 0.02]),
        ({"schedule": "exponential", "lr_final": 1e-4}, [0.1, 10**-2.5, 1e-4]),
        ({"schedule": "step", "milestones": [50, 100]}, [0.1, 0.05, 0.025]),
    ],
)
def test_schedules(options: dict[str, Any], expected: list[float]) -> None:
    config = OptimizerConfig(lr=0.1, warmup_steps=0, **options)
    assert [config.lr_at(step, 100) for step in (0, 50, 100)] == pytest.approx(expected)


def test_the_rate_rises_at_first_for_a_tenth_of_the_training_at_most() -> None:
    config = OptimizerConfig(lr=1.0, schedule="constant", warmup_steps=4)
    assert [config.lr_at(step, 100) for step in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert [config.lr_at(step, 20) for step in range(3)] == [0.5, 1, 1]
    assert OptimizerConfig(lr=1.0).lr_at(0, 5) == 1
    with pytest.raises(ValueError, match="warmup_steps must not be negative, got -1"):
        OptimizerConfig(warmup_steps=-1)


def test_the_papers_optimiser() -> None:
    config = OptimizerConfig(name="sgd", lr=0.1, schedule="exponential", lr_final=1e-4, weight_decay=1e-4)
    optimizer = make_optimizer([torch.nn.Parameter(torch.zeros(1))], config)
    assert isinstance(optimizer, torch.optim.SGD)
    seen = {name: optimizer.defaults[name] for name in ("momentum", "nesterov", "weight_decay", "lr")}
    assert seen == {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4, "lr": 0.1}
    assert isinstance(make_optimizer([torch.nn.Parameter(torch.zeros(1))], OptimizerConfig()), torch.optim.Adam)


@pytest.mark.parametrize(
    "kind, options, message",
    [
        (OptimizerConfig, {"name": "lion"}, "name must be one of adam, sgd, got 'lion'"),
        (OptimizerConfig, {"schedule": "linear"}, "schedule must be one of cosine, .*got 'linear'"),
        (OptimizerConfig, {"lr": 0.0}, "lr must be positive, got 0.0"),
        (OptimizerConfig, {"schedule": "exponential"}, "needs lr_final > 0"),
        (OptimizerConfig, {"schedule": "step"}, "needs milestones"),
        (TrainConfig, {"data": DATA, "steps": 0}, "steps must be at least 1, got 0"),
        (TrainConfig, {"data": DATA, "select": "ssim"}, "select must be one of psnr, loss, got 'ssim'"),
        (TrainConfig, {"data": DATA, "precision": "float16"}, "precision must be one of float32, bfloat16"),
        (TrainConfig, {"data": DATA, "seed": -1}, "seed must not be negative, got -1"),
        (DataConfig, {"train_dir": "a", "val_dir": "b", "patch_size": 0}, "patch_size must be at least 1"),
        (Hardware, {"devices": 0}, "devices must be at least 1, got 0"),
    ],
)
def test_impossible_configs_are_refused(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**options)
