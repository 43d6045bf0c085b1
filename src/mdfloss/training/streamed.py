"""One of several trainings on a device: its step has a CUDA stream of its own and is recorded as CUDA graphs.

Elsewhere than on CUDA its step is the one of `RestorationModule`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mdfloss.data import Pair
from mdfloss.losses import build_loss
from mdfloss.recording import make_capturable, plain_state, record, set_rate

from .config import TrainConfig
from .loop import write_checkpoint
from .module import first_network, learnt_digests
from .restoration import RestorationModule
from .run_folder import RunFolder

__all__ = ["StreamedTraining"]


class StreamedTraining(RestorationModule):
    """One training: its network, its optimiser, its stream and its graphs.

    Args:
        config: What to do.
        folder: Of the run.
    """

    def __init__(self, config: TrainConfig, folder: RunFolder) -> None:
        network = first_network(config, torch.Generator().manual_seed(config.seed))
        super().__init__(config, network, build_loss(config.loss))
        self.folder = folder
        self.record = {**config.to_dict(), **learnt_digests(config)}

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
        """The loss of one batch. A NaN must not reach a loss on CUDA, whose assertion would end all trainings."""
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
        """Let what follows on the device wait for this training."""
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
