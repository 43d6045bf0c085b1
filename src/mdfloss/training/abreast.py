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
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from ..data import Pair
from ..losses import build_loss
from ..recording import make_capturable, plain_state, record, set_rate
from .config import Hardware, TrainConfig
from .loop import take_up, write_checkpoint
from .module import TrainingDivergedError, first_network
from .pictures import TrainingData, training_data
from .progress import step_bar
from .restoration import RestorationModule
from .run_folder import RunFolder

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
    groups = _groups(trainings, resume=resume)
    for group in groups:
        group.open(device, workers=_workers(hardware, device, len(groups)))
    failures: dict[Path, str] = {}
    lanes = [lane for group in groups for lane in group.lanes]
    bar = step_bar(sum(lane.config.steps for lane in lanes), completed=sum(lane.step for lane in lanes))
    with bar if progress else nullcontext():
        while groups := [group for group in groups if group.lanes]:
            for group in groups:
                group.feed()
            for group in groups:
                bar.update(bar.task_ids[0], advance=len(group.lanes))
                failures |= group.advance() | group.validate()
    return failures


class _Lane(RestorationModule):
    """One training: its network, its optimiser, its stream and its graphs.

    Args:
        config: What to do.
        folder: Of the run.
    """

    def __init__(self, config: TrainConfig, folder: RunFolder) -> None:
        network = first_network(config, torch.Generator().manual_seed(config.seed))
        super().__init__(config, network, build_loss(config.loss))
        self.folder = folder

    def open(self, device: torch.device, validation: Sequence[Pair]) -> None:
        """Bring everything to the device; after the state was restored."""
        on_cuda = device.type == "cuda"
        self.to(device)
        if on_cuda:
            self.network.to(memory_format=torch.channels_last)
        self.on_fit_start()
        self._validation = [Pair(*(image.to(device) for image in pair)) for pair in validation]
        (self._optimizer,) = self.configure_optimizers()
        self._stream = torch.cuda.Stream(device) if on_cuda else None  # type: ignore[no-untyped-call]
        self._captures = on_cuda and isinstance(self._optimizer, torch.optim.Adam)
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        if self._captures:
            make_capturable(self._optimizer, device)

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        return [self._optimizer]

    def mean_over_devices(self, value: Tensor) -> Tensor:
        """There is one device."""
        return value

    def check_finite(self, value: Tensor, name: str) -> None:
        """Nothing waits for a device here; what is on one is looked at in `validate`."""
        if value.device.type == "cpu":
            super().check_finite(value, name)

    def state(self) -> dict[str, Any]:
        """As `train` would leave it."""
        return {**super().state(), "optimizers": [plain_state(self._optimizer)]}

    def training_step(self, batch: Pair, batch_idx: int) -> Tensor:  # noqa: ARG002
        """The loss of one batch. A NaN must not reach a loss on CUDA, whose assertion would end all lanes."""
        pred = self.network(batch.distorted)
        self.check_finite(pred, "the network's output")
        loss: Tensor = self.loss(pred.nan_to_num() if pred.is_cuda else pred, batch.clean)
        self.add("train_loss", loss)
        return loss

    def advance(self, batch: Pair) -> None:
        """One step on a batch, whose tensors are the same ones in every step."""
        self.reseed_loss()
        lr = self.config.optimizer.lr_at(self.step, self.config.steps)
        do = self._graph(batch).replay if self._captures else partial(self._compute, batch)
        if self._stream is not None:
            self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            set_rate(self._optimizer, lr)
            do()
        self.step += 1

    @property
    def is_due(self) -> bool:
        """Whether it is time to validate."""
        return self.step % self.config.val_every == 0 or self.step == self.config.steps

    def wait(self) -> None:
        """Let what follows on the device wait for this lane."""
        if self._stream is not None:
            torch.cuda.current_stream().wait_stream(self._stream)

    def validate(self) -> None:
        """Look at the validation pictures, and write the run's files.

        Raises:
            TrainingDivergedError: A value is not finite any more.
        """
        finite = torch.stack([parameter.detach().isfinite().all() for parameter in self.network.parameters()])
        super().check_finite(torch.where(finite, 0.0, torch.nan).cpu(), "a weight")
        self.network.eval()
        with torch.no_grad(), self._precision():
            for index, pair in enumerate(self._validation):
                self.validation_step(pair, index)
        self.network.train()
        self.on_validation_epoch_end()
        write_checkpoint(self, self.folder, improved=self.improve())

    def _precision(self) -> torch.autocast:
        wanted = self.config.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted, cache_enabled=not self._captures)

    def _compute(self, batch: Pair) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        with self._precision():
            loss = self.training_step(batch, 0)
        loss.backward()  # type: ignore[no-untyped-call]
        self.add("gradient_norm", self.clip(self.network))
        self._optimizer.step()

    def _compute_reseeded(self, batch: Pair) -> None:
        """What is recorded: warming up draws as well, and must not change what the step draws."""
        self.reseed_loss()
        self._compute(batch)

    def _graph(self, batch: Pair) -> torch.cuda.CUDAGraph:
        """The step as a graph: one for each choice of scales that the loss may draw."""
        drawn = tuple(part.draw() for part in self.drawing_losses())
        if drawn not in self._graphs:
            with torch.no_grad(), self._precision():
                self.loss(self.network(batch.distorted), batch.clean)  # what it keeps must not be made while recording
            self._graphs[drawn] = record(
                partial(self._compute_reseeded, batch),
                changed=[*self.network.state_dict().values(), self._sums],
                optimizers=[self._optimizer],
            )
        return self._graphs[drawn]


class _Group:
    """Trainings that stand at the same step and see the same patches.

    Args:
        lanes: The trainings.
        data: Their pictures.
    """

    def __init__(self, lanes: list[_Lane], data: TrainingData) -> None:
        self.lanes = lanes
        self._data = data
        self._batch = Pair(torch.empty(0), torch.empty(0))

    def open(self, device: torch.device, *, workers: int) -> None:
        """Bring the lanes to the device, and begin to prepare patches.

        Args:
            device: Where to compute.
            workers: Processes that prepare patches.
        """
        for lane in self.lanes:
            lane.open(device, self._data.validation)
        first, stop = self.lanes[0], max(lane.config.steps for lane in self.lanes)
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
        """Put the patches of the next step where the lanes' graphs look for them."""
        for lane in self.lanes:
            lane.wait()
        new = next(self._steps)
        if not len(self._batch.clean):
            self._batch = Pair(*(image.clone() for image in new))
        for image, into in zip(new, self._batch, strict=True):
            into.copy_(image)

    def advance(self) -> dict[Path, str]:
        """One step of every lane; those that diverge are left out and returned, with the reason."""
        return self._with_each(self.lanes, lambda lane: lane.advance(self._batch))

    def validate(self) -> dict[Path, str]:
        """Validate the lanes whose turn it is; leave out those that are done, and as above those that diverged."""
        due = [lane for lane in self.lanes if lane.is_due]
        for lane in due:
            lane.wait()
        failures = self._with_each(due, _Lane.validate)
        self.lanes = [lane for lane in self.lanes if lane.step < lane.config.steps]
        return failures

    def _with_each(self, lanes: Sequence[_Lane], do: Callable[[_Lane], None]) -> dict[Path, str]:
        failures = {}
        for lane in lanes:
            try:
                do(lane)
            except TrainingDivergedError as error:
                failures[lane.folder.path] = str(error)
        self.lanes = [lane for lane in self.lanes if lane.folder.path not in failures]
        return failures


def _workers(hardware: Hardware, device: torch.device, groups: int) -> int:
    """Processes that prepare the patches of one group."""
    if hardware.num_workers is not None:
        return hardware.num_workers
    return 0 if device.type == "cpu" else max(1, min(4, (os.cpu_count() or 1) // groups))


def _groups(trainings: Mapping[Path, TrainConfig], *, resume: bool) -> list[_Group]:
    """Fresh or resumed lanes, brought together by what they see."""
    found: dict[Hashable, TrainingData] = {}
    together: dict[tuple[Hashable, int, int], list[_Lane]] = {}
    for path, config in trainings.items():
        lane = _Lane(config, RunFolder(Path(path)))
        seen = (config.data, json.dumps(config.distortion, sort_keys=True), config.seed, lane.network.in_channels)
        data = found[seen] if seen in found else found.setdefault(seen, training_data(lane))
        take_up(lane, lane.folder, config.to_dict(), data, resume=resume)
        if lane.step < config.steps:
            together.setdefault((seen, config.batch_size, lane.step), []).append(lane)
    return [_Group(lanes, found[seen]) for (seen, *_), lanes in together.items()]
