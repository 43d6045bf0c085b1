"""The verdict: what it says when a method wins, loses, or cannot be told apart."""

import numpy as np
import pytest
from scipy import stats

from mdfloss.evaluation import Score, ScoreTable
from mdfloss.evaluation.statistics import holm
from mdfloss.evaluation.verdict import (
    compare_by_all_metrics,
    compare_methods,
    difference_texts,
    overall,
    verdict,
)


def make_table(metric: str = "psnr", **offsets: float) -> ScoreTable:
    """Scores of 20 pictures: each method is `offset` better than the first, give or take 0.1."""
    rng = np.random.default_rng(0)
    pictures = rng.normal(30, 3, 20)
    rows = [
        Score(str(index), method, {metric: value + offset + rng.normal(0, 0.1)})
        for method, offset in offsets.items()
        for index, value in enumerate(pictures)
    ]
    return ScoreTable((metric,), tuple(rows))


def test_findings_equal_scipy_with_holm_over_both_directions() -> None:
    table = make_table(ours=0.05, l1=0.0, l2=-0.5)
    findings = compare_methods(table, candidate="ours")
    ours, l1, l2 = (table.column(method, "psnr") for method in ("ours", "l1", "l2"))
    p_values = [
        stats.ttest_rel(ours, other, alternative=side).pvalue for side in ("greater", "less") for other in (l1, l2)
    ]
    expected = holm(p_values)
    assert [finding.p_better for finding in findings] == pytest.approx(expected[:2])
    assert [finding.p_worse for finding in findings] == pytest.approx(expected[2:])


def test_headline_names_what_is_better_worse_and_even() -> None:
    table = make_table(ours=0.0, l1=0.0, l2=-1.0, ssim=1.0)
    result = verdict(table, candidate="ours")
    sizes = [
        f"{finding.result.difference.value:+.2f} dB".replace("-", "−")
        for finding in compare_methods(table, candidate="ours")
    ]
    assert result.headline == (
        f"By PSNR on 20 pictures, ours is better than l2 ({sizes[1]}), and worse than ssim ({sizes[2]}), "
        f"and not told apart from l1 ({sizes[0]})."
    )
    assert result.details[0].startswith("ssim has the best mean PSNR (")
    assert result.details[0].endswith("dB), significantly better than all others.")
    assert "PSNR against l2: +" in result.details[2]
    assert "in its favour" in result.details[2]
    assert "in its disfavour" in result.details[3]
    assert "p < 0.001" in result.details[3]


def test_the_best_is_named_with_what_cannot_be_told_from_it() -> None:
    table = make_table(ours=-1.0, l1=0.0, l2=0.0)
    named, other = sorted(("l1", "l2"), key=lambda method: -table.column(method, "psnr").mean())
    assert verdict(table, candidate="ours").details[0].startswith(f"{named} has the best mean PSNR (")
    assert verdict(table, candidate="ours").details[0].endswith(f"dB), not told apart from {other}.")
    assert "best mean" not in "".join(verdict(table, candidate=named).details)


def test_lower_is_better_turns_the_sign() -> None:
    result = verdict(make_table("mdsi", ours=0.0, l1=1.0), candidate="ours", metric="mdsi")
    assert result.headline.startswith("By MDSI on 20 pictures, ours is better than l1 (+")


def test_caveats_say_how_little_was_tried() -> None:
    few = ScoreTable(("psnr",), tuple(Score(str(i), m, {"psnr": 30.0 + i}) for i in range(3) for m in ("a", "b")))
    result = verdict(few, candidate="a")
    assert result.headline == "By PSNR on 3 pictures, a is not told apart from b (+0.00 dB)."
    assert any("trained once" in caveat for caveat in result.caveats)
    assert any("3 pictures are few" in caveat for caveat in result.caveats)


def test_caveats_say_what_each_training_found() -> None:
    steady, turned = make_table(ours=0.5, l1=0.0, l2=0.0), make_table(ours=-0.5, l1=0.0, l2=-1.0)
    tests, first = verdict(steady, candidate="ours", trainings=[steady, steady]).caveats
    assert tests.startswith("p: paired one-tailed t-tests")
    assert first.startswith("Scores are means of 2 trainings with different seeds")
    one, two = (difference_texts(finding)[0] for finding in compare_methods(steady, candidate="ours"))
    assert f"the mean advantage is over l1 {one} and {one}; over l2 {two} and {two}." in first
    assert "not the same sign" not in first
    _, second = verdict(steady, candidate="ours", trainings=[steady, turned]).caveats
    assert "It has not the same sign in all trainings over l1: train with more seeds." in second


def test_several_comparisons_are_counted() -> None:
    won, lost = make_table(ours=0.5, l1=0.0, l2=0.5), make_table(ours=-0.5, l1=0.0, l2=-0.5)
    answer = overall([won, won, lost], candidate="ours")
    assert answer.headline in (
        "ours has the best mean PSNR in 2 of 3 and l1 in 1 of 3.",
        "l2 has the best mean PSNR in 2 of 3 and l1 in 1 of 3.",
        "ours has the best mean PSNR in 1 of 3, l2 in 1 of 3 and l1 in 1 of 3.",
    )
    assert answer.details == (
        "ours against l1: better in 2 of 3, worse in 1 of 3.",
        "ours against l2: not told apart in all 3 comparisons.",
    )
    assert overall([won, won], candidate="l1").headline.endswith("has the best mean PSNR in all 2 comparisons.")


def test_one_picture_tells_nothing() -> None:
    one = ScoreTable(("psnr",), (Score("x", "a", {"psnr": 30.0}), Score("x", "b", {"psnr": 20.0})))
    assert verdict(one, candidate="a").headline == "1 picture cannot tell how a compares: add pictures."


def test_infinite_scores_are_left_out() -> None:
    rows = [Score(str(i), m, {"psnr": 30.0 + i + (m == "a")}) for i in range(3) for m in ("a", "b")]
    rows += [Score("equal", m, {"psnr": float("inf")}) for m in ("a", "b")]
    table = ScoreTable(("psnr",), tuple(rows))
    (finding,) = compare_methods(table, candidate="a")
    assert finding.result.difference.value == pytest.approx(1)
    assert verdict(table, candidate="a").headline.startswith("By PSNR on 3 pictures, a is better than b (")


def test_pictures_that_equal_their_references_are_no_reason_to_add_pictures() -> None:
    values = {"perfect": [float("inf")] * 3, "l1": [30.0, 31.5, 32.0], "l2": [29.0, 30.0, 31.0]}
    rows = [
        Score(str(i), method, {"psnr": value, "mdsi": 0.3 - 0.001 * i + 0.1 * (method == "l2")})
        for method, column in values.items()
        for i, value in enumerate(column)
    ]
    table = ScoreTable(("psnr", "mdsi"), tuple(rows))
    result = verdict(table, candidate="l1")
    assert result.headline == (
        "PSNR is infinite on 3 of 3 pictures, where a result equals its reference, and cannot tell how l1 compares: "
        "decide by another measure."
    )
    assert result.details == (), "nothing was tested, so nothing is significantly better"
    assert list(compare_by_all_metrics(table, candidate="l1")) == [("perfect", "mdsi"), ("l2", "mdsi")]


def test_false_findings_over_all_rivals_stay_below_the_nominal_rate() -> None:
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(400):
        pictures = rng.normal(30, 3, 20)
        columns = {method: pictures + rng.normal(0, 0.3, 20) for method in ("ours", "l1", "l2", "ssim")}
        rows = [Score(str(i), m, {"psnr": float(v)}) for m, values in columns.items() for i, v in enumerate(values)]
        findings = compare_methods(ScoreTable(("psnr",), tuple(rows)), candidate="ours")
        wrong += any(min(finding.p_better, finding.p_worse) < 0.05 for finding in findings)
    assert wrong / 400 < 0.05 + 0.025, "at most the nominal rate, give or take what 400 tables can tell"
    assert wrong > 0
