"""The demo from end to end, with a few steps only."""

from pathlib import Path

import pytest

from mdfloss.bank import DiscriminatorBank
from mdfloss.demo import DemoConfig, plan_demo, run_demo
from mdfloss.demo.folder import PARTS
from mdfloss.evaluation import ScoreTable

TINY = DemoConfig(fit_iterations=1, num_scales=2, steps=2, num_layers=3, num_features=4, batch_size=2, patch_size=24)


def test_plan_names_every_stage_and_its_time() -> None:
    plan = plan_demo(TINY)
    assert [stage.name for stage in plan][1:5] == [
        "fit the loss",
        "train with L1",
        "train with L2",
        "train with Fitted MDF",
    ]
    assert all(stage.seconds > 0 for stage in plan)


@pytest.mark.slow
def test_demo_makes_scores_and_page_and_resumes(tmp_path: Path) -> None:
    stages: list[int] = []
    result = run_demo(tmp_path / "demo", TINY, on_stage=stages.append)
    assert stages == list(range(len(plan_demo(TINY))))
    assert result.scores.methods == ("L1", "L2", "Fitted MDF")
    assert sorted(result.scores.images) == sorted(PARTS["test"])
    assert ScoreTable.load_csv(tmp_path / "demo" / "scores.csv") == result.scores
    assert len(DiscriminatorBank.load(tmp_path / "demo" / "bank.safetensors")) == 2
    page = result.page.read_text("utf-8")
    assert "mdfloss restore" in page
    assert "chelsea" in page
    weights = (tmp_path / "demo" / "train" / "mdf" / "last.safetensors").read_bytes()
    again = run_demo(tmp_path / "demo", TINY, resume=True)
    assert again.scores == result.scores
    assert (tmp_path / "demo" / "train" / "mdf" / "last.safetensors").read_bytes() == weights
    with pytest.raises(FileExistsError, match="holds a demo"):
        run_demo(tmp_path / "demo", TINY)
