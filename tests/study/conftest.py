"""A small study on disk, its server in this process, and votes of simulated observers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from participant import MakeStudy, Participant
from starlette.testclient import TestClient

from mdfloss.images import write_image
from mdfloss.study.app import create_app
from mdfloss.study.links import Secrets
from mdfloss.study.setup import create_study
from mdfloss.study.simulate import simulate_votes
from mdfloss.study.trials import Study, StudyConfig
from mdfloss.study.votes import Votes

CONFIG = StudyConfig(title="Test <study>", trials=9, golden=2, practice=1, break_every=6, open_entry=True)


@pytest.fixture(scope="session")
def result_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """reference/, good/, fair/ and poor/ with three pictures of 48×40 px."""
    root, random = tmp_path_factory.mktemp("results"), torch.Generator().manual_seed(0)
    for name in ("boat", "cat", "tree"):
        clean = torch.nn.functional.interpolate(torch.rand(1, 3, 10, 12, generator=random), scale_factor=4)
        for method, noise in (("reference", 0.0), ("good", 0.01), ("fair", 0.05), ("poor", 0.1)):
            noisy = clean + noise * torch.randn(clean.shape, generator=random)
            write_image(root / method / f"{name}.png", noisy.clamp(0, 1))
    return root


@pytest.fixture
def make_study(result_folders: Path, tmp_path: Path) -> MakeStudy:
    def make(name: str = "study", **changes: object) -> Study:
        methods = {method: result_folders / method for method in ("good", "fair", "poor")}
        config = replace(CONFIG, **changes)  # type: ignore[arg-type]
        return create_study(methods, result_folders / "reference", tmp_path / name, config=config)

    return make


@pytest.fixture
def study(make_study: MakeStudy) -> Study:
    return make_study()


@pytest.fixture
def keys(study: Study) -> Secrets:
    return Secrets.load(study.folder / "secrets.json")


@pytest.fixture
def client(study: Study) -> Iterator[TestClient]:
    with TestClient(create_app(study.folder), follow_redirects=False) as served:
        yield served


@pytest.fixture
def participant(client: TestClient, keys: Secrets, study: Study) -> Participant:
    return Participant(client, f"/s/{keys.link('seat-0001')}", study)


@pytest.fixture(scope="module")
def votes() -> Votes:
    """216 of 12 observers who saw l1, l2 and mdf with true scores of 0, 0.5 and 1.5 JOD."""
    names = ("l1", "l2", "mdf")
    rows = []
    for who, counts in enumerate(simulate_votes([0, 0.5, 1.5], participants=12, trials=18, seed=0)):
        for i, j in zip(*np.nonzero(counts), strict=True):
            row = {"observer": f"o{who:02d}", "session": "1", "scene": "cat", "is_A_selected": "1"}
            rows += counts[i, j] * [{**row, "condition_A": names[i], "condition_B": names[j]}]
    return Votes.from_rows(rows)
