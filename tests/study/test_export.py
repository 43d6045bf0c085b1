"""What the database tells, after known participants."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from participant import QUALITY, Participant, careless, honest
from starlette.testclient import TestClient

from mdfloss.study.export import assigned, check_rows, open_readonly, unit_rows, vote_rows
from mdfloss.study.links import Secrets
from mdfloss.study.trials import Study


@pytest.fixture
def db(client: TestClient, keys: Secrets, study: Study) -> Iterator[object]:
    """One honest participant, one careless one, and one who stopped after three real or golden trials."""
    for seat, choose, votes in (("a", honest, None), ("b", careless, None), ("c", honest, 4)):
        someone = Participant(client, f"/s/{keys.link(seat)}", study)
        someone.start()
        someone.walk(choose, votes=votes)
    connection = open_readonly(study.folder / "votes.sqlite")
    yield connection
    connection.close()


def test_votes(db) -> None:
    rows = vote_rows(db)
    first = [row for row in rows if row["session"] == "u0001"]
    assert len(first) == 9
    for row in first:
        better = QUALITY[row["condition_A"]] > QUALITY[row["condition_B"]]
        assert row["is_A_selected"] == int(better)
        assert row["shown"] <= row["voted"]


def test_checks(db) -> None:
    passed = {row["session"]: row["passed"] for row in check_rows(db)}
    assert (passed["u0001"], passed["u0002"]) == (1, 0)


def test_units(db) -> None:
    units = unit_rows(db)
    assert [unit["stage"] for unit in units] == ["finished", "finished", "trials"]
    assert [unit["screened_out"] for unit in units] == [0, 1, 0]
    assert [unit["votes"] + unit["checks"] for unit in units] == [11, 11, 3]


def test_assigned_leaves_screened_units_out(db, study: Study) -> None:
    load, votes = assigned(db, study)
    assert load.sum() == 18  # the honest one's and the one's who may come back
    assert votes.sum() == 18
    np.testing.assert_array_equal(load.shape, (3, 3))
    good, poor = study.conditions.index("good"), study.conditions.index("poor")
    assert votes[good, poor] > votes[poor, good]
