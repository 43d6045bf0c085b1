"""The tables of a comparison as Markdown, as the documentation shows them.

    python benchmarks/quality_table.py runs/quality_denoise

One table for each task, network, length, budget and test. The best of a column is bold; beside a rival's value, * says
that the candidate is significantly better there and † that it is worse (paired one-tailed t-tests over the pictures,
Holm-corrected over the rivals, 5 %). Steps and learning rates are columns where they differ. Then one for each setting
with the first metric of every seed, test by test, where there are several seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from mdfloss.evaluation.metrics import METRICS

SETTING = ["task", "network", "length", "budget", "test"]
ALPHA = 0.05


def columns(summary: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """Heading, metric and field of each column of scores."""
    for metric in summary.metric.unique():
        yield METRICS[metric].heading, metric, "mean_value"
        if metric == summary.metric.iloc[0]:
            yield f"its 5th percentile {METRICS[metric].arrow}", metric, "tail_value"


def marks(tests: pd.DataFrame) -> dict[tuple[str, str], str]:
    """(loss, metric) → the mark of a rival's mean."""
    found = {}
    for row in tests.itertuples():
        better, worse = row.p_better_paired_holm < ALPHA, row.p_worse_paired_holm < ALPHA
        found[row.rival, row.metric] = "*" if better else "†" if worse else ""
    return found


def table(summary: pd.DataFrame, tests: pd.DataFrame) -> Iterator[str]:
    shown = list(columns(summary))
    trained = summary.drop_duplicates("loss").set_index("loss")[["steps", "lr"]]
    differing = [name for name in trained if trained[name].nunique() > 1]
    yield "| " + " | ".join(["Loss", *differing, *(heading for heading, *_ in shown)]) + " |"
    yield "|" + "---|" * (len(shown) + len(differing) + 1)
    marked = marks(tests)
    cells = {}
    for heading, metric, field in shown:
        values = summary[summary.metric == metric].set_index("loss")[field]
        best = values.max() if METRICS[metric].higher_is_better else values.min()
        for loss, value in values.items():
            text = f"{value:.{METRICS[metric].digits}f}"
            text = f"**{text}**" if value == best else text
            cells[loss, heading] = text + (marked.get((loss, metric), "") if field == "mean_value" else "")
    for loss in trained.index:
        row = [f"{trained[name][loss]:g}" for name in differing] + [cells[loss, heading] for heading, *_ in shown]
        yield "| " + " | ".join([loss, *row]) + " |"


def by_seed(summary: pd.DataFrame, scores: pd.DataFrame) -> Iterator[str]:
    metric, chosen = summary.metric.iloc[0], summary.drop_duplicates("loss").set_index("loss")
    of_chosen = [row.steps == chosen.steps[row.loss] and row.lr == chosen.lr[row.loss] for row in scores.itertuples()]
    means = scores[of_chosen].pivot_table(metric, "loss", ["seed", "test"], sort=False)
    seeds = sorted(scores.seed.unique())
    yield "| " + " | ".join(["Loss", *(f"seed {seed}" for seed in seeds)]) + " |"
    yield "|" + "---|" * (len(seeds) + 1)
    for loss in chosen.index:
        cells = [" / ".join(f"{v:.{METRICS[metric].digits}f}" for v in means.loc[loss, seed]) for seed in seeds]
        yield f"| {loss} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("comparison", type=Path, help="folder that `mdfloss compare` wrote")
    tables = parser.parse_args().comparison / "tables"
    summary, tests, scores = (pd.read_csv(tables / f"{name}.csv") for name in ("summary", "tests", "scores"))
    for setting, part in summary.groupby(SETTING, sort=False):
        ours = tests[(tests[SETTING] == pd.Series(dict(zip(SETTING, setting, strict=True)))).all(axis=1)]
        print("\n" + ", ".join(map(str, setting)) + "\n")
        print("\n".join(table(part, ours)))
    for setting, part in summary.groupby(SETTING[:-1], sort=False):
        mine = scores[(scores.task == setting[0]) & (scores.network == setting[1]) & scores.loss.isin(part.loss)]
        if mine.seed.nunique() > 1:
            print("\n" + ", ".join(map(str, setting)) + "\n")
            print("\n".join(by_seed(part, mine)))


if __name__ == "__main__":
    main()
