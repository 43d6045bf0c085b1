"""Several trainings abreast on one device: the same steps as one after another, and a GPU that is not kept waiting.

A small network's kernels are so short that a GPU waits for the next launch most of the time, and one training after
another waits as often as there are trainings. Here every training has a CUDA stream of its own, its step is recorded
once as a CUDA graph and replayed with a single launch, and all trainings do their step s before any does s + 1.
Trainings that see the same patches share them. On other devices the steps are done one after another, uncaptured.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from mdfloss.data import Pair

from .config import Hardware, TrainConfig
from .loop import claim, restore
from .module import TrainingDivergedError
from .pictures import TrainingData, check_sizes, training_data
from .progress import step_bar
from .run_folder import RunFolder
from .streamed import StreamedTraining

__all__ = ["train_abreast"]

CHUNK = 25
"""Steps whose patches are prepared and brought to the device together."""


def train_abreast(
    trainings: Mapping[Path, TrainConfig],
    *,
    hardware: Hardware | None = None,
    resume: bool = False,
    progress: bool = False,
) -> dict[Path, str]:
    """Train restoration networks abreast; each leaves what `train` would leave in its folder.

    On a CPU the weights are those of `train`, bit for bit. On CUDA they differ by rounding: there the network is kept
    channels last.

    Args:
        trainings: Folder of each run → what to do.
        hardware: Where to compute: one device, the machine's accelerator by default.
        resume: Go on with the runs that the folders hold, where they hold one.
        progress: Show one progress bar for all.

    Returns:
        Folder → why its training stopped, for those that diverged; their last good state is kept.

    Raises:
        RunFolderError: A folder is in use, or holds a run with another config or a damaged checkpoint.
        ImageFileError: A folder of pictures has no usable one.
        ValueError: More than one device is asked for, or there is no such device; or a network would bring the
            pictures to another size.
    """
    hardware = hardware or Hardware()
    if hardware.devices * hardware.num_nodes > 1:
        raise ValueError(f"trainings abreast share one device, got {hardware.devices} on {hardware.num_nodes} nodes")
    device = hardware.device
    with ExitStack() as stack:
        for path in trainings:
            stack.enter_context(RunFolder(Path(path)).held())
        groups = _groups(trainings, resume=resume)
        for group in groups:
            group.open(device, workers=_workers(hardware, device, len(groups)))
        return _train(groups, progress=progress)


def _train(groups: list[_Group], *, progress: bool) -> dict[Path, str]:
    """Do the steps that are left, each of all trainings before the next of any."""
    failures: dict[Path, str] = {}
    ahead = [training for group in groups for training in group.trainings]
    bar = step_bar(sum(one.config.steps for one in ahead), completed=sum(one.step for one in ahead))
    with bar if progress else nullcontext():
        while groups := [group for group in groups if group.trainings]:
            for group in groups:
                group.feed()
            for group in groups:
                bar.update(bar.task_ids[0], advance=len(group.trainings))
                failures |= group.advance() | group.validate()
    return failures


class _Group:
    """Trainings that stand at the same step and see the same patches.

    Args:
        trainings: As they stand.
        data: Their pictures.
    """

    def __init__(self, trainings: list[StreamedTraining], data: TrainingData) -> None:
        self.trainings = trainings
        self._data = data
        self._batch = Pair(torch.empty(0), torch.empty(0))

    def open(self, device: torch.device, *, workers: int) -> None:
        """Bring the trainings to the device, and begin to prepare patches.

        Args:
            device: Where to compute.
            workers: Processes that prepare patches.
        """
        for training in self.trainings:
            training.open(device, self._data.validation)
        first, stop = self.trainings[0], max(training.config.steps for training in self.trainings)
        size, on_cuda = first.config.batch_size, device.type == "cuda"
        chunks = [list(range(s * size, min(s + CHUNK, stop) * size)) for s in range(first.step, stop, CHUNK)]
        loader = DataLoader(self._data.patches, batch_sampler=chunks, num_workers=workers, pin_memory=on_cuda)
        self._steps = self._in_turn(iter(loader), size, device)

    @staticmethod
    def _in_turn(chunks: Iterator[Pair], size: int, device: torch.device) -> Iterator[Pair]:
        for chunk in chunks:
            moved = [torch.split(image.to(device, non_blocking=True), size) for image in chunk]
            yield from (Pair(*images) for images in zip(*moved, strict=True))

    def feed(self) -> None:
        """Put the patches of the next step where the trainings' graphs look for them."""
        for training in self.trainings:
            training.wait()
        new = next(self._steps)
        if not len(self._batch.clean):
            self._batch = Pair(*(image.clone() for image in new))
        for image, into in zip(new, self._batch, strict=True):
            into.copy_(image)

    def advance(self) -> dict[Path, str]:
        """One step of every training; those that diverge are left out and returned, with the reason."""
        return self._with_each(self.trainings, lambda training: training.advance(self._batch))

    def validate(self) -> dict[Path, str]:
        """Validate the trainings whose turn it is; leave out those that are done, and as above those that diverged."""
        due = [training for training in self.trainings if training.is_due]
        for training in due:
            training.wait()
        failures = self._with_each(due, StreamedTraining.validate)
        self.trainings = [one for one in self.trainings if one.step < one.config.steps]
        return failures

    def _with_each(
        self, trainings: Sequence[StreamedTraining], do: Callable[[StreamedTraining], None]
    ) -> dict[Path, str]:
        failures = {}
        for training in trainings:
            try:
                do(training)
            except TrainingDivergedError as error:
                failures[training.folder.path] = str(error)
        self.trainings = [one for one in self.trainings if one.folder.path not in failures]
        return failures


def _workers(hardware: Hardware, device: torch.device, groups: int) -> int:
    """Processes that prepare the patches of one group."""
    if hardware.num_workers is not None:
        return hardware.num_workers
    return 0 if device.type == "cpu" else max(1, min(4, (os.cpu_count() or 1) // groups))


def _groups(trainings: Mapping[Path, TrainConfig], *, resume: bool) -> list[_Group]:
    """Fresh or resumed trainings that have steps left, brought together by what they see.

    No folder is written to before all are known to fit their pictures.
    """
    found: dict[Hashable, TrainingData] = {}
    together: dict[tuple[Hashable, int, int], list[StreamedTraining]] = {}
    for path, config in trainings.items():
        training = StreamedTraining(config, RunFolder(Path(path)))
        restore(training, training.folder, training.record, resume=resume)
        if training.step == config.steps:
            continue
        channels = training.network.in_channels
        seen: Hashable = (config.data, json.dumps(config.distortion, sort_keys=True), config.seed, channels)
        if seen not in found:
            found[seen] = training_data(config, channels=channels)
        check_sizes(training.network, found[seen])
        together.setdefault((seen, config.batch_size, training.step), []).append(training)
    for (seen, *_), members in together.items():
        for training in members:
            claim(training.folder, training.record, found[seen])
    return [_Group(members, found[seen]) for (seen, *_), members in together.items()]
