"""What supervised and adversarial training share: counting steps, validation, curves, checkpoints.

Lightning runs the loop, the devices and the precision. What decides the weights is kept out of its hands: the
learning rate, the patches and the distortions of a step are functions of the step's number, and the checkpoint
is made here, so that a run that was killed and resumed ends with the same bits as one that was not.
"""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

import lightning.pytorch as pl
import safetensors.torch
import torch
from torch import Tensor, nn

from mdfloss.data import Pair
from mdfloss.evaluation.metrics import psnr
from mdfloss.loss import MDFLoss
from mdfloss.losses import banks_digest
from mdfloss.networks import RestorationNetwork, build_network, load_network
from mdfloss.networks.dead_relus import DeadReluCounter

from .config import TrainConfig, make_optimizer

__all__ = ["TrainingDivergedError", "TrainingModule", "first_network", "learnt_digests"]

CHECK_EVERY = 25
"""Steps between looks at whether values are finite on an accelerator, where each look waits for the device."""


class TrainingDivergedError(ValueError):
    """A value of the training is no longer finite; the last checkpoint is from before."""


def first_network(config: TrainConfig, generator: torch.Generator) -> RestorationNetwork:
    """The network that a run begins with.

    Args:
        config: Names the network, and what it starts from.
        generator: Decides fresh weights; advanced in any case.

    Raises:
        ValueError: The start is another network than the config's.
    """
    network = build_network(config.network, **config.network_args)
    network.initialise(generator)
    if config.start is not None:
        source = load_network(config.start)
        if (type(source), source.arguments) != (type(network), network.arguments):
            raise ValueError(
                f"{config.start} holds {type(source).__name__} {source.arguments}, the run trains "
                f"{config.network} {network.arguments}: give the same network"
            )
        network.load_state_dict(source.state_dict())
    return network


def learnt_digests(config: TrainConfig) -> dict[str, str | None]:
    """What a config names and does not hold: files that may be others by the time that a run is resumed.

    Args:
        config: Of a run.

    Returns:
        `banks_sha256` of the banks in its loss and `start_sha256` of the network that it starts from, hexadecimal, or
        None where there is none.
    """
    start = None
    if config.start is not None:
        weights = load_network(config.start).state_dict()
        start = hashlib.sha256(safetensors.torch.save(weights)).hexdigest()
    return {"banks_sha256": banks_digest(config.loss), "start_sha256": start}


class TrainingModule(pl.LightningModule):
    """A network, a frozen loss, and the state that a checkpoint holds.

    Args:
        config: What to do.
        network: What is trained.
        loss: Kept out of the module's children, so that neither checkpoints nor DDP carry it.

    Attributes:
        step: Steps done.
        curves: One row a validation.
        best_score: Validation PSNR or loss, as `config.select` says, of the best row; None before the first.
    """

    MEANS: ClassVar[tuple[str, ...]] = ("train_loss", "gradient_norm")
    """Columns of the curves that are means over the steps since the last row."""

    def __init__(self, config: TrainConfig, network: RestorationNetwork, loss: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.network = network
        self.step = 0
        self.curves: list[dict[str, float]] = []
        self.best_score: float | None = None
        self._frozen = (loss,)
        self._optimizer_states: list[dict[str, Any]] = []
        self._sums = torch.zeros(len(self.MEANS))
        self._scores: list[Tensor] = []
        self._dead_relus = DeadReluCounter()

    @property
    def loss(self) -> nn.Module:
        """The frozen loss."""
        return self._frozen[0]

    def trained(self) -> dict[str, nn.Module]:
        """The modules that are trained, one for each optimiser, by the name that they have in a checkpoint."""
        return {"network": self.network}

    def state(self) -> dict[str, Any]:
        """Everything that `restore_state` takes: tensors and plain values."""
        return {
            "modules": {name: module.state_dict() for name, module in self.trained().items()},
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers()],
            "step": self.step,
            "best_score": self.best_score,
            "curves": self.curves,
        }

    def restore_state(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint; call it before the fit."""
        for name, module in self.trained().items():
            module.load_state_dict(state["modules"][name])
        self._optimizer_states = state["optimizers"]
        self.step, self.best_score, self.curves = state["step"], state["best_score"], state["curves"]

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        """One optimiser for each trained module, with the state that a checkpoint gave."""
        optimizers = [make_optimizer(m.parameters(), self.config.optimizer) for m in self.trained().values()]
        for optimizer, state in zip(optimizers, self._optimizer_states, strict=False):
            optimizer.load_state_dict(state)
        return optimizers

    def on_fit_start(self) -> None:
        """Bring what is no child of the module to the device."""
        self.loss.to(self.device)
        self._sums = self._sums.to(self.device)

    def on_train_batch_start(self, batch: Pair, batch_idx: int) -> None:  # noqa: ARG002
        """Set the learning rate of this step, and what the loss draws in it."""
        self.reseed_loss()
        for optimizer in self._optimizers():
            for group in optimizer.param_groups:
                group["lr"] = self.config.optimizer.lr_at(self.step, self.config.steps)

    def reseed_loss(self) -> None:
        """What the loss draws in a step depends on the seed and the step alone."""
        for part in self.drawing_losses():
            part.reseed(((self.config.seed << 32) + self.step) % 2**63)

    def drawing_losses(self) -> list[MDFLoss]:
        """The parts of the loss that may draw scales."""
        return [part for part in self.loss.modules() if isinstance(part, MDFLoss)]

    def on_train_batch_end(self, outputs: Any, batch: Pair, batch_idx: int) -> None:  # noqa: ARG002
        """Count the step; stopping after the last one makes Lightning validate."""
        self.step += 1
        if self.step == self.config.steps:
            self.trainer.should_stop = True

    def validation_step(self, batch: Pair, batch_idx: int) -> None:  # noqa: ARG002
        """Loss and PSNR (dB, RGB) of one picture, and which ReLUs fire on it."""
        with self._dead_relus:
            pred = self.network(batch.distorted)
        score = psnr(pred.float().clamp(0, 1), batch.clean).mean()
        self._scores.append(torch.stack([self.loss(pred, batch.clean).float(), score]))

    def on_validation_epoch_end(self) -> None:
        """Add a row to the curves, and see whether it is the best."""
        since = self.step - (int(self.curves[-1]["step"]) if self.curves else 0)
        means = dict(zip(self.MEANS, (self.mean_over_devices(self._sums) / since).tolist(), strict=True))
        val_loss, val_psnr = torch.stack(self._scores).mean(0).tolist()
        dead_share = self._dead_relus.dead_share
        self._scores.clear()
        self._dead_relus = DeadReluCounter()
        self._sums.zero_()
        lr = self.config.optimizer.lr_at(self.step - 1, self.config.steps)
        scores = {"val_loss": val_loss, "val_psnr": val_psnr, "dead_relus": dead_share}
        row = {"step": self.step, "lr": lr, **means, **scores}
        for name, value in row.items():
            self.check_finite(torch.tensor(value), name)
        self.curves.append(row)

    def mean_over_devices(self, value: Tensor) -> Tensor:
        """The mean of a tensor over all devices of the training."""
        return self.trainer.strategy.reduce(value.clone(), reduce_op="mean")

    def improve(self) -> bool:
        """Whether the newest row is the best so far; it is remembered."""
        row, by_psnr = self.curves[-1], self.config.select == "psnr"
        score = row["val_psnr"] if by_psnr else row["val_loss"]
        improved = self.best_score is None or (score > self.best_score if by_psnr else score < self.best_score)
        if improved:
            self.best_score = score
        return improved

    def add(self, name: str, value: Tensor) -> None:
        """Add this step's value to the mean of one of `MEANS`."""
        self._sums[self.MEANS.index(name)] += value.detach()

    def clip(self, module: nn.Module) -> Tensor:
        """Check the gradient of a module, clip it if the config says so, and give its norm before that."""
        parameters = [p for p in module.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        self.check_finite(norm, "the gradient")
        if self.config.optimizer.clip_norm is not None:
            torch.nn.utils.clip_grads_with_norm_(parameters, self.config.optimizer.clip_norm, norm)
        return norm

    def check_finite(self, value: Tensor, name: str) -> None:
        """Stop the run where a value is NaN or infinite; on an accelerator only at every 25th step.

        Raises:
            TrainingDivergedError: It is.
        """
        looks = value.device.type == "cpu" or self.step % CHECK_EVERY == 0
        if looks and not torch.isfinite(value).all():
            raise TrainingDivergedError(
                f"{name} is no longer finite at step {self.step}; the state of step "
                f"{int(self.curves[-1]['step']) if self.curves else 0} is kept: "
                "start again with a lower learning rate, or with clip_norm"
            )

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        found = self.optimizers(use_pl_optimizer=False)
        return found if isinstance(found, list) else [found]
