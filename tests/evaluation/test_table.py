"""The table of scores: what it holds, what it refuses, and its file."""

from pathlib import Path

import pytest

from mdfloss.evaluation import Score, ScoreTable


@pytest.fixture
def table() -> ScoreTable:
    return ScoreTable(
        ("psnr", "ssim"),
        (
            Score("a, b", "l1", {"psnr": 30.25, "ssim": 0.1 + 0.2}),
            Score('<script>"x"', "l1", {"psnr": float("inf"), "ssim": 1.0}),
            Score('<script>"x"', "l2", {"psnr": 28.0, "ssim": 0.5}),
            Score("a, b", "l2", {"psnr": 27.0, "ssim": 0.25}),
        ),
        "RGB, no crop",
    )


def test_columns_follow_one_order_of_pictures(table: ScoreTable) -> None:
    assert table.methods == ("l1", "l2")
    assert table.images == ("a, b", '<script>"x"')
    assert table.column("l2", "psnr").tolist() == [27.0, 28.0]


def test_csv_round_trip_is_exact(table: ScoreTable, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    table.save_csv(path)
    assert ScoreTable.load_csv(path) == table
    with pytest.raises(FileExistsError, match="exists"):
        table.save_csv(path, force=False)
    assert [entry.name for entry in tmp_path.iterdir()] == ["scores.csv"]


def test_extended_keeps_what_was_there(table: ScoreTable) -> None:
    more = table.extended([Score("a, b", "l3", {"psnr": 1.0, "ssim": 0.0})])
    assert more.methods == ("l1", "l2", "l3")
    with pytest.raises(ValueError, match="method 'l3' has no score for <script>"):
        more.column("l3", "psnr")


def test_refuses_rows_that_do_not_fit() -> None:
    row = Score("a", "l1", {"psnr": 1.0})
    with pytest.raises(ValueError, match="image 'a' is scored twice for method 'l1'"):
        ScoreTable(("psnr",), (row, row))
    with pytest.raises(ValueError, match=r"has the metrics \['psnr'\], but the table's are \['ssim'\]"):
        ScoreTable(("ssim",), (row,))
    with pytest.raises(ValueError, match="no 'ssim' of 'l1': the table has the metrics psnr of the methods l1"):
        ScoreTable(("psnr",), (row,)).column("l1", "ssim")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no table of scores: its first line is ''"),
        ("a,b\n1,2\n", "no table of scores: its first line is 'a,b'"),
        ("image,method,psnr,protocol\na,l1,many,RGB\n", "a row that is not image, method, 1 numbers, protocol"),
        ("image,method,psnr,protocol\na,l1,1,2,RGB\n", "a row that is not image, method, 1 numbers, protocol"),
    ],
)
def test_load_refuses_other_files(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        ScoreTable.load_csv(path)
