"""From votes to tables and figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mdfloss.study.analysis import analyze, cautions, load_votes, preference_percentages
from mdfloss.study.scaling import DisconnectedWarning
from mdfloss.study.votes import COLUMNS, Votes, write_rows


def test_percentages(votes: Votes) -> None:
    percent = preference_percentages(votes)
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose((percent + percent.T)[off], 100)
    assert np.isnan(np.diag(percent)).all()


def test_checks_beside_a_csv_file(tmp_path: Path) -> None:
    row = {"observer": "o", "scene": "s", "condition_A": "x", "condition_B": "y", "is_A_selected": 1}
    write_rows(tmp_path / "votes.csv", [{**row, "session": unit} for unit in (1, 2)], columns=COLUMNS)
    checks = [{**row, "session": unit, "passed": passed} for unit, passed in ((1, 1), (2, 0))]
    write_rows(tmp_path / "checks.csv", checks, columns=(*COLUMNS, "passed"))
    assert load_votes(tmp_path / "votes.csv", checks=tmp_path / "checks.csv")[1] == {"o/2"}
    for no in (" 0.0", "False"):  # as pandas and R write it, with the blanks that votes are stripped of
        spelled = [{**check, "observer": "o ", "passed": check["passed"] or no} for check in checks]
        write_rows(tmp_path / "checks.csv", spelled, columns=(*COLUMNS, "passed"))
        assert load_votes(tmp_path / "votes.csv", checks=tmp_path / "checks.csv")[1] == {"o/2"}
    for broken, message in (
        ([], "no golden trial of the sessions that voted"),
        ([{**checks[1], "observer": "p"}], "no golden trial of the sessions that voted"),
        ([{**checks[1], "passed": "no"}], "row 1 has passed = 'no': it is 1 or 0"),
    ):
        write_rows(tmp_path / "checks.csv", broken, columns=(*COLUMNS, "passed"))
        with pytest.raises(ValueError, match=message):
            load_votes(tmp_path / "votes.csv", checks=tmp_path / "checks.csv")
    with pytest.raises(ValueError, match=r"no column \['passed'\]"):
        load_votes(tmp_path / "votes.csv", checks=tmp_path / "votes.csv")


def test_nothing_left(votes: Votes) -> None:
    with pytest.raises(ValueError, match="nothing is left"):
        analyze(votes, failed=frozenset(votes.sessions))


def rows(*table: tuple[str, str, str, int]) -> list[dict[str, str]]:
    """Votes from (observer, winner, loser, number)."""
    columns = {"session": "1", "scene": "cat", "is_A_selected": "1"}
    return [
        {**columns, "observer": who, "condition_A": winner, "condition_B": loser}
        for who, winner, loser, number in table
        for _ in range(number)
    ]


def test_cautions(votes: Votes) -> None:
    assert cautions(analyze(votes, samples=5)) == []
    alone = analyze(Votes.from_rows(rows(("ann", "x", "y", 4), ("ann", "y", "x", 2))), samples=5)
    assert np.isnan(alone.intervals.low).all()
    (caution,) = cautions(alone)
    assert caution.startswith("one observer voted")
    parts = [(who, *pair) for who in "abc" for pair in (("x", "y", 2), ("y", "x", 1), ("z", "w", 3))]
    with pytest.warns(DisconnectedWarning):
        apart = analyze(Votes.from_rows(rows(*parts)), samples=5)
    first, second = cautions(apart)
    assert "w, z | x, y" in first
    assert "all votes between" in second


def test_a_minority_keeps_its_votes() -> None:
    """Two methods, one vote a person, one in five against: nobody is screened for an opinion."""
    votes = Votes.from_rows(rows(*((f"o{at}", *("xy" if at % 5 else "yx"), 1) for at in range(20))))
    found = analyze(votes, samples=20)
    assert found.excluded == ()
    assert preference_percentages(found.votes)[0, 1] == 80
