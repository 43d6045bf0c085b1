"""Which ReLUs of a network still fire: one that never does gets no gradient, and whatever the loss, it stays so."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["DeadReluCounter"]


class DeadReluCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watches the ReLUs of a network, modules or functions, while it is used as a context: one pass of it each time.

    Examples:
        >>> relu = torch.nn.ReLU()
        >>> counter = DeadReluCounter()
        >>> with counter:
        ...     _ = relu(torch.tensor([[[[1.0]], [[-1.0]], [[-2.0]]]]))
        >>> with counter:
        ...     _ = relu(torch.tensor([[[[-1.0]], [[-1.0]], [[3.0]]]]))
        >>> counter.dead, counter.total
        (1, 3)
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._peaks: list[Tensor] = []
        self._next = 0

    def __enter__(self) -> DeadReluCounter:
        self._next = 0
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func.overloadpacket in {torch.ops.aten.relu, torch.ops.aten.relu_}:
            self._see(output.detach().amax((0, 2, 3)))
        return output

    def _see(self, peaks: Tensor) -> None:
        if self._next == len(self._peaks):
            self._peaks.append(peaks)
        else:
            self._peaks[self._next] = torch.maximum(self._peaks[self._next], peaks)
        self._next += 1

    @property
    def total(self) -> int:
        """Channels of all ReLUs."""
        return sum(len(peaks) for peaks in self._peaks)

    @property
    def dead(self) -> int:
        """Those of them that were 0 everywhere in every pass."""
        return sum(int((peaks <= 0).sum()) for peaks in self._peaks)

    @property
    def dead_share(self) -> float:
        """The dead among all, 0 where there is no ReLU."""
        return self.dead / max(1, self.total)
