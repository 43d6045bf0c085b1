"""The progress bar of trainings: steps done, time left, the newest validation."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

__all__ = ["StepProgress", "step_bar"]


def step_bar(steps: int, *, completed: int) -> Progress:
    """A bar of steps with one task; to be started by the caller.

    Args:
        steps: All of them.
        completed: Those that are done.
    """
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    bar = Progress(TextColumn("train"), *columns, TextColumn("{task.description}"))
    bar.add_task("", total=steps, completed=completed)
    return bar


class StepProgress(pl.Callback):
    """Shows the steps of a module that counts them in `step` and keeps rows in `curves`.

    Args:
        steps: Steps of the whole run.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self._bar: Progress | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Open the bar where the run stands."""
        if not trainer.is_global_zero:
            return
        self._bar = step_bar(self.steps, completed=pl_module.step)
        (self._task,) = self._bar.task_ids
        self._bar.start()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *args: Any) -> None:  # noqa: ARG002
        """Move the bar by one step."""
        if self._bar is not None:
            self._bar.update(self._task, completed=pl_module.step + 1)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Show the newest row of the curves."""
        if self._bar is not None and pl_module.curves:
            row = pl_module.curves[-1]
            text = f"step {row['step']}: loss {row['val_loss']:.4g}, {row['val_psnr']:.2f} dB"
            text += f", {row['dead_relus']:.0%} of ReLUs dead" if row["dead_relus"] else ""
            self._bar.update(self._task, description=text)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Close the bar."""
        self._close()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        """Close the bar before the error is shown."""
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
