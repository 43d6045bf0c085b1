"""The device that `--device` names."""

from __future__ import annotations

import torch

__all__ = ["find_device"]


def find_device(name: str) -> torch.device:
    """The device to compute on, tried before anything else is begun.

    Args:
        name: As PyTorch calls it, or "auto": the GPU where there is one.

    Raises:
        ValueError: PyTorch has no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (AssertionError, RuntimeError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"there is no device {name!r} here ({reason}): use --device cpu") from error
    return device
