"""Tables of votes: pwcmp's columns in and out, faults by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mdfloss.study.votes import COLUMNS, Votes, read_rows, read_votes, write_rows

ROWS = [
    {"observer": "ann", "session": "1", "scene": "cat", "condition_A": "x", "condition_B": "y", "is_A_selected": "1"},
    {"observer": "bob", "session": "1", "scene": "cat", "condition_A": "x", "condition_B": "y", "is_A_selected": "0"},
    {"observer": "bob", "session": "2", "scene": "dog", "condition_A": "y", "condition_B": "z", "is_A_selected": "1"},
]


def test_counts() -> None:
    votes = Votes.from_rows(ROWS)
    assert votes.conditions == ("x", "y", "z")
    assert votes.sessions == ("ann/1", "bob/1", "bob/2")
    np.testing.assert_array_equal(votes.counts(), [[0, 1, 0], [1, 0, 1], [0, 0, 0]])
    np.testing.assert_array_equal(votes.counts_by_observer().sum(0), votes.counts())
    assert len(votes.keep(votes.observer == votes.observers.index("bob"))) == 2


def test_another_condition_first() -> None:
    votes = Votes.from_rows(ROWS).starting_with("z")
    assert votes.conditions == ("z", "x", "y")
    order = [2, 0, 1]
    np.testing.assert_array_equal(votes.counts(), Votes.from_rows(ROWS).counts()[np.ix_(order, order)])
    with pytest.raises(ValueError, match="no votes on 'q': there are x, y, z"):
        Votes.from_rows(ROWS).starting_with("q")


def test_round_trip(tmp_path: Path) -> None:
    write_rows(tmp_path / "votes.csv", ROWS, columns=COLUMNS)
    np.testing.assert_array_equal(read_votes(tmp_path / "votes.csv").counts(), Votes.from_rows(ROWS).counts())


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffobserver,session,scene,condition_A,condition_B,is_A_selected\nann,1,cat,x,y,1\n",
        "is_A_selected,criterion,condition_B,condition_A,scene,session_id,observer\n1,look,y,x,cat,1,ann\n",
        "observer;session;scene;condition_A;condition_B;is_A_selected\r\nann;1;cat;x;y;1\r\n\r\n",
        "observer\tsession\tscene\tcondition_A\tcondition_B\tis_A_selected\nann\t1\tcat\tx\ty\tTRUE\n",
        '"observer", "session", "scene", "condition_A", "condition_B", "is_A_selected"\n"ann", "1", cat, x, y, 1.0\n',
    ],
)
def test_reads_what_other_tools_write(tmp_path: Path, text: str) -> None:
    (tmp_path / "votes.csv").write_text(text, encoding="utf-8", newline="")
    votes = read_votes(tmp_path / "votes.csv")
    assert (votes.observers, votes.sessions, votes.scenes) == (("ann",), ("ann/1",), ("cat",))
    np.testing.assert_array_equal(votes.counts(), [[0, 1], [0, 0]])


@pytest.mark.data
def test_reads_pwcmp_s_own_file(data_dir: Path) -> None:
    votes = read_votes(data_dir / "pwcmp" / "ex3_tmo_cmp_data.csv")
    assert (len(votes), len(votes.observers), len(votes.conditions), len(votes.scenes)) == (1213, 18, 7, 5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"is_A_selected": "2"}, "is_A_selected = '2'"),
        ({"condition_B": "x"}, "compares 'x' with itself"),
        ({"is_A_selected": "nan"}, "is_A_selected = 'nan'"),
        ({"observer": " "}, "vote 1 has no observer: fill it in"),
        ({"condition_A": ""}, "vote 1 has no condition_A"),
        ({"scene": None}, "vote 1 lacks scene"),
        ({"session": None}, "vote 1 lacks session"),
    ],
)
def test_bad_rows(change: dict[str, str | None], message: str) -> None:
    row = {name: value for name, value in {**ROWS[0], **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        Votes.from_rows([row])


def test_bad_files(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("observer,session\n")
    with pytest.raises(ValueError, match=r"empty\.csv: the table holds no votes"):
        read_votes(empty)
    empty.write_bytes("observer;sc\u00e8ne\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"empty\.csv: the file is not UTF-8"):
        read_votes(empty)
    with pytest.raises(ValueError, match="not among"):
        Votes.from_rows(ROWS, conditions=["x", "y"])


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "votes.csv").write_text("observer,is_A_selected,is_A_selected\nx,1,0\n", encoding="utf-8")
    with pytest.raises(ValueError, match="columns stand twice in the header: is_A_selected"):
        read_rows(tmp_path / "votes.csv")
