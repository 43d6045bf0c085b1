"""Plain values by annotations: what becomes of each kind, and what a misfit is told."""

from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import pytest

from mdfloss.compare.plain_values import Several, from_plain


class Named(TypedDict, total=False):
    size: int


@dataclass(frozen=True)
class Part:
    number: float
    named: Named | None = None

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("number must not be negative")


@dataclass(frozen=True)
class Whole:
    parts: dict[str, Part]


@pytest.mark.parametrize(
    ("hint", "value", "made"),
    [
        (str, "a", "a"),
        (int, 3, 3),
        (float, 3, 3.0),
        (float, "1e-3", 0.001),
        (int | None, None, None),
        (Literal["a", "b"], "b", "b"),
        (tuple[int, ...], [1, 2], (1, 2)),
        (Several[int], 1, (1,)),
        (Several[int], [1, 2], (1, 2)),
        (dict[str, Any], {"a": [None]}, {"a": [None]}),
        (Whole, {"parts": {"a": {"number": 1, "named": {"size": 2}}}}, Whole({"a": Part(1.0, {"size": 2})})),
    ],
)
def test_what_fits_becomes_what_is_asked_for(hint: Any, value: Any, made: Any) -> None:
    found = from_plain(hint, value)
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (str, None, "x must be text, got nothing"),
        (int, True, "x must be a whole number, got True"),
        (int, 1.5, "x must be a whole number, got 1.5"),
        (int, "8", "x must be a whole number, got '8'"),
        (float, "eight", "x must be a number, got 'eight'"),
        (float, True, "x must be a number, got True"),
        (int | None, "a", "x must be a whole number, got 'a'"),
        (Literal["a", "b"], 3, "x must be one of a, b, got 3"),
        (tuple[int, ...], 3, "x must be a list of whole numbers, got 3"),
        (tuple[int, ...], [1, "a"], r"x must be a list of whole numbers, got \[1, 'a'\]"),
        (tuple[str, ...], "psnr", "x must be a list of texts, got 'psnr'"),
        (Several[int], ["a"], r"x must be a whole number, or several, got \['a'\]"),
        (Several[Literal["a", "b"]], "c", "x must be one of a, b, or several, got 'c'"),
        (dict[str, Any], [1], r"x must be names with values, got \[1\]"),
        (dict[str, Any], {1: 2}, r"x must be names with values, got \{1: 2\}"),
        (Whole, 3, "x must be names with values, got 3: there are parts"),
        (Whole, {"part": {}}, "x has no part: there are parts"),
        (Whole, {}, "x needs parts"),
        (Whole, {"parts": {"a": {"number": "b"}}}, "x.parts.a.number must be a number, got 'b'"),
        (Whole, {"parts": {"a": {"number": -1}}}, "x.parts.a: number must not be negative"),
        (Whole, {"parts": {"a": {"number": 1, "named": {"size": "b"}}}}, "x.parts.a.named.size must be a whole"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(hint: Any, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        from_plain(hint, value, "x")
