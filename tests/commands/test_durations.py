from __future__ import annotations

import pytest

from mdfloss.commands.durations import format_duration


@pytest.mark.parametrize("seconds, expected", [(0.4, "0:00"), (59.6, "1:00"), (307, "5:07"), (5400, "1:30:00")])
def test_durations_are_said_as_clocks_say_them(seconds: float, expected: str) -> None:
    assert format_duration(seconds) == expected
