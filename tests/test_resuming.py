from __future__ import annotations

from mdfloss.resuming import differences


def test_what_differs_is_named_by_its_place() -> None:
    before = {"lr": 0.1, "data": {"size": [1, 2], "dir": "a"}, "gone": 3}
    now = {"lr": 0.2, "data": {"size": [1, 3], "dir": "a"}, "new": "x"}
    assert differences(before, now) == [
        "data.size was [1, 2], now [1, 3]",
        "gone was 3, now None",
        "lr was 0.1, now 0.2",
        "new was None, now 'x'",
    ]


def test_an_option_that_is_none_is_as_good_as_a_missing_one() -> None:
    assert differences({"a": 1, "new": None}, {"a": 1}) == []
