"""What the runs of a comparison found: which variant of each loss is compared, and its scores on every test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mdfloss.evaluation.curves import read_curves
from mdfloss.evaluation.table import Score, ScoreTable

from .plan import Plan, Run, Setting
from .run import is_done, read_result
from .search import searched_runs

__all__ = ["Part", "RunResult", "chosen_runs", "collect", "compare_parts"]

Variant = tuple[float, float | None]


@dataclass(frozen=True)
class RunResult:
    """A run that is done.

    Args:
        run: Which.
        folder: Where its files are.
        val_psnr: Validation PSNR of its last step, dB.
        seconds: How long its training took.
        scores: Test → scores of its pictures.
        failure: Why the training stopped, where it diverged; then it has no scores.
    """

    run: Run
    folder: Path
    val_psnr: float
    seconds: float
    scores: Mapping[str, ScoreTable]
    failure: str = ""

    def curves(self) -> dict[str, list[float]]:
        """Curves of the training."""
        return read_curves(self.folder / "curves.csv")


@dataclass(frozen=True)
class Part:
    """One comparison of losses on one test: what a section of the page shows.

    Args:
        setting: Task, network, length and budget of the trainings.
        test: Name of the test.
        scores: Score of each picture and loss, the mean over the seeds of the chosen variant.
        chosen: Loss → learning rate and λ with the best validation PSNR, mean over the seeds that choose.
        steps: Loss → steps of its trainings.
        results: Every done run of the setting, those of other variants too.
    """

    setting: Setting
    test: str
    scores: ScoreTable
    chosen: Mapping[str, Variant]
    steps: Mapping[str, int]
    results: tuple[RunResult, ...]

    def of(self, loss: str) -> list[RunResult]:
        """The runs of a loss's chosen variant, in the order of their seeds."""
        found = [r for r in self.results if r.run.loss == loss and r.run.variant == self.chosen[loss]]
        return sorted(found, key=lambda result: result.run.seed)

    @property
    def trainings(self) -> list[ScoreTable]:
        """The scores of each seed alone."""
        by_loss = [[result.scores[self.test] for result in self.of(loss)] for loss in self.chosen]
        return [
            ScoreTable(self.scores.metrics, tuple(row for table in tables for row in table.rows), self.scores.protocol)
            for tables in zip(*by_loss, strict=True)
        ]


def collect(plan: Plan, output: Path) -> list[RunResult]:
    """Read every run that is done.

    Args:
        plan: The comparison.
        output: Its folder.

    Returns:
        Results in the order of the plan.
    """
    results = []
    for run in (*plan.combinations, *searched_runs(plan, output)):
        if is_done(plan.grid, run, output):
            folder = output / run.path
            found = read_result(folder) or {}
            tests = () if found["failure"] else plan.grid.tasks[run.task].tests
            scores = {test: ScoreTable.load_csv(folder / "tests" / test / "scores.csv") for test in tests}
            val_psnr = found.get("val_psnr", float("-inf"))
            results.append(RunResult(run, folder, val_psnr, found["seconds"], scores, found["failure"]))
    return results


def compare_parts(plan: Plan, results: Iterable[RunResult]) -> list[Part]:
    """Bring the runs of each setting together.

    Args:
        plan: The comparison.
        results: Its done runs.

    Returns:
        A part for each setting and test where every loss has a variant that is trained with every seed.
    """
    results = list(results)
    parts = []
    for setting in plan.settings:
        mine, chosen = _choice(plan, setting, results)
        done = {(r.run.loss, r.run.variant, r.run.seed) for r in mine}
        wanted = {(loss, variant, seed) for loss, variant in chosen.items() for seed in plan.grid.seeds}
        if len(chosen) == len(plan.grid.losses) and wanted <= done:
            steps = {loss: plan.steps(setting, loss) for loss in chosen}
            for test in plan.grid.tasks[setting.task].tests:
                scores = _mean_scores(plan, mine, chosen, test)
                parts.append(Part(setting, test, scores, chosen, steps, mine))
    return parts


def chosen_runs(plan: Plan, output: Path) -> tuple[Run, ...]:
    """The runs that are left once learning rates and λ are chosen: the choice with the seeds that did not choose.

    Args:
        plan: The comparison, its own runs done.
        output: Its folder.

    Returns:
        Runs that are not done. After them, look again: one that diverged leaves the choice to the next best.
    """
    results = collect(plan, output)
    done = {result.run for result in results}
    wanted = [
        Run(setting.task, setting.network, loss, plan.steps(setting, loss), *variant, seed)
        for setting in plan.settings
        for loss, variant in _choice(plan, setting, results)[1].items()
        for seed in plan.grid.seeds
    ]
    return tuple(dict.fromkeys(run for run in wanted if run not in done))


def _choice(
    plan: Plan, setting: Setting, results: Iterable[RunResult]
) -> tuple[tuple[RunResult, ...], dict[str, Variant]]:
    """The results of a setting, and its losses with their chosen variants."""
    steps = {loss: plan.steps(setting, loss) for loss in plan.grid.losses}
    mine = tuple(r for r in results if r.run[:2] == setting[:2] and steps.get(r.run.loss) == r.run.steps)
    best = {loss: _best_variant([r for r in mine if r.run.loss == loss], plan.grid.choosing_seeds) for loss in steps}
    return mine, {loss: variant for loss, variant in best.items() if variant is not None}


def _best_variant(results: list[RunResult], seeds: tuple[int, ...]) -> Variant | None:
    """The variant with the best validation, mean over the choosing seeds, among those that failed with no seed."""
    failed = {result.run.variant for result in results if result.failure}
    by_variant: dict[Variant, list[float]] = {}
    for result in results:
        if result.run.seed in seeds and result.run.variant not in failed:
            by_variant.setdefault(result.run.variant, []).append(result.val_psnr)
    complete = [variant for variant, values in by_variant.items() if len(values) == len(seeds)]
    return max(complete, key=lambda variant: np.mean(by_variant[variant]), default=None)


def _mean_scores(plan: Plan, results: Iterable[RunResult], chosen: Mapping[str, Variant], test: str) -> ScoreTable:
    metrics = plan.grid.metrics
    rows, protocol = [], ""
    for loss, variant in chosen.items():
        tables = [r.scores[test] for r in results if r.run.loss == loss and r.run.variant == variant]
        protocol = tables[0].protocol
        columns = {metric: np.mean([table.column(loss, metric) for table in tables], axis=0) for metric in metrics}
        rows += [
            Score(image, loss, {metric: float(columns[metric][index]) for metric in metrics})
            for index, image in enumerate(tables[0].images)
        ]
    return ScoreTable(metrics, tuple(rows), protocol)
