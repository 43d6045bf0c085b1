"""The authors' released weights (github.com/gfxdisp/mdf), read without running them.

They come in two forms: plain tensors in `.safetensors` (the key layout of our own banks, without a card), and
the authors' `.pth`: torch's old stream of pickles, holding a list of whole modules of the class
`SinGAN.models.WDiscriminator`. The second is turned into a bank by a reader that knows the handful of names
such a file needs; each stands for an inert object, and any other name is refused.
"""

from __future__ import annotations

import io
import math
import os
import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .bank import CARD_KEY, BankCard, BankFileError, DiscriminatorBank
from .tensor_file import read_tensor_file

__all__ = ["is_official", "read_official"]

INPUT_RANGE = (-1.0, 1.0)
"""Deduced from the released weights and running means; the authors' example feeds [0, 1]."""

_LICENCE = "BSD-3-Clause"
_SOURCE = "github.com/gfxdisp/mdf"
_LARGEST_FILE = 256 * 2**20
_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001
_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "LongStorage": torch.int64,
}
_MODULES = {
    ("SinGAN.models", "WDiscriminator"),
    ("SinGAN.models", "ConvBlock"),
    ("torch.nn.modules.container", "Sequential"),
    ("torch.nn.modules.conv", "Conv2d"),
    ("torch.nn.modules.batchnorm", "BatchNorm2d"),
    ("torch.nn.modules.activation", "LeakyReLU"),
}


class _Storage(NamedTuple):
    """A block of numbers that the file holds after its pickles."""

    key: str
    dtype: torch.dtype
    numel: int


class _View(NamedTuple):
    """A tensor: a window on a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class _Name(NamedTuple):
    """A dtype's storage class; it only ever stands in a persistent id."""

    name: str


class _Call:
    """A function that the file may call; no attribute can be set on it."""

    __slots__ = ("_name",)
    _name: str

    def __init__(self, name: str) -> None:
        object.__setattr__(self, "_name", name)

    def __setattr__(self, name: str, value: object) -> None:
        raise pickle.UnpicklingError(f"the file tries to set {name} on a function")

    def __call__(self, *args: Any) -> Any:
        if self._name == "OrderedDict":
            return OrderedDict(*args)
        if self._name == "set":
            return set(*args)
        if self._name == "_rebuild_parameter":
            return args[0]
        if self._name == "_rebuild_tensor_v2":
            storage, offset, shape, stride = args[:4]
            return _View(storage, offset, tuple(shape), tuple(stride))
        return None


_CALLS = {
    ("__builtin__", "set"): _Call("set"),  # how protocol 2 spells builtins
    ("collections", "OrderedDict"): _Call("OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"): _Call("_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"): _Call("_rebuild_parameter"),
    ("torch.nn.backends.thnn", "_get_thnn_function_backend"): _Call("backend"),
}


def _inert_module(name: str) -> type:
    """A class of this name whose objects keep their state and do nothing."""

    def keep(self: Any, state: object) -> None:
        if not isinstance(state, dict):
            raise pickle.UnpicklingError(f"the state of a {name} is a {type(state).__name__}")
        self.__dict__["state"] = state

    return type(name, (), {"__setstate__": keep, "__slots__": ("__dict__",)})


class _Reader(pickle.Unpickler):
    """Unpickler of one file; every class it hands out was made for this file and is thrown away with it."""

    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream, encoding="utf-8")
        self._classes = {name: _inert_module(name[1]) for name in _MODULES}
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in of an allowed name."""
        if module == "torch" and name in _DTYPES:
            return _Name(name)
        found = self._classes.get((module, name)) or _CALLS.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which a released MDF file does not need")
        return found

    def persistent_load(self, identifier: Any) -> Any:
        """A storage, or a class that travels with its source text; the text is not looked at."""
        kind = identifier[0]
        if kind == "module":
            return identifier[1]
        if kind != "storage" or not isinstance(identifier[1], _Name):
            raise pickle.UnpicklingError(f"unknown persistent object {kind!r}")
        _, storage_type, key, _, numel, view = identifier
        if view is not None:
            raise pickle.UnpicklingError("storage views are not part of a released MDF file")
        return self.storages.setdefault(key, _Storage(key, _DTYPES[storage_type.name], numel))


def is_official(path: str | os.PathLike[str]) -> bool:
    """Whether a file looks like one of the authors', by its suffix and the lack of our card."""
    if Path(path).suffix != ".safetensors":
        return Path(path).suffix in (".pth", ".pt")
    tensors, metadata = read_tensor_file(path, kind="bank", error=BankFileError)
    return CARD_KEY not in metadata and "scale0.head.conv.weight" in tensors


def read_official(path: str | os.PathLike[str]) -> DiscriminatorBank:
    """Turn a released file into a bank; nothing in it is executed.

    Args:
        path: The authors' `.pth`, or its tensors as `.safetensors`.

    Returns:
        The bank, in eval mode.

    Raises:
        FileNotFoundError: No such file.
        BankFileError: Damaged, or holding anything but the discriminators of the released loss.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file at {path}")
    if path.suffix == ".safetensors":
        tensors, metadata = read_tensor_file(path, kind="bank", error=BankFileError)
        if CARD_KEY in metadata:
            raise BankFileError(f"{path} is a bank of mdfloss, with a card of its own: use it as it is")
        source = metadata.get("source", _SOURCE)
    else:
        tensors, source = _read_pickles(path), _SOURCE
    card = BankCard(
        task=path.stem.removeprefix("Ds_").lower(),
        widths=_widths(tensors, path),
        input_range=INPUT_RANGE,
        licence=_LICENCE,
        source=source,
    )
    return DiscriminatorBank.from_tensors(tensors, card, name=str(path))


def _widths(tensors: Mapping[str, Tensor], path: Path) -> tuple[int, ...]:
    """Channels of each discriminator, from the shapes of the tails."""
    widths: list[int] = []
    while (tail := tensors.get(f"scale{len(widths)}.tail.weight")) is not None and tail.ndim == 4:
        widths.append(tail.shape[1])
    if not widths:
        raise BankFileError(f"{path} holds no discriminators: expected tensors such as scale0.tail.weight")
    return tuple(widths)


def _read_pickles(path: Path) -> dict[str, Tensor]:
    """Tensors of an old-format `.pth`, named as in a bank file."""
    if path.stat().st_size > _LARGEST_FILE:
        raise BankFileError(f"{path} is larger than any released MDF file")
    stream = io.BytesIO(path.read_bytes())
    if stream.getvalue()[:4] == b"PK\x03\x04":
        raise BankFileError(f"{path} is in torch's newer zip format; the released MDF files are in the old one")
    try:
        if (_Reader(stream).load(), _Reader(stream).load()) != (_MAGIC_NUMBER, _PROTOCOL_VERSION):
            raise BankFileError("it does not begin as a file of torch's old format does")
        _Reader(stream).load()  # byte order and integer sizes of the writer; the released files are little-endian
        reader = _Reader(stream)
        modules = reader.load()
        numbers = {key: _read_storage(stream, reader.storages[key]) for key in _Reader(stream).load()}
        return {
            f"scale{index}.{name}": _view(view, numbers)
            for index, module in enumerate(_discriminators(modules))
            for name, view in _views(module)
        }
    except Exception as error:  # a hostile file can make the unpickler raise anything
        raise BankFileError(f"{path} is not a released MDF file: {error}") from error


def _read_storage(stream: io.BytesIO, storage: _Storage) -> Tensor:
    """The numbers of one storage: a 64-bit count, then the values."""
    numel = int.from_bytes(stream.read(8), "little")
    data = stream.read(numel * storage.dtype.itemsize) if numel == storage.numel else b""
    if numel != storage.numel or len(data) != numel * storage.dtype.itemsize:
        raise BankFileError("it is cut short, or its sizes disagree")
    return torch.frombuffer(bytearray(data), dtype=storage.dtype) if numel else torch.empty(0, dtype=storage.dtype)


def _discriminators(modules: object) -> list[Any]:
    """The list at the top of the file, checked."""
    if not isinstance(modules, list) or not all(type(m).__name__ == "WDiscriminator" for m in modules):
        raise BankFileError("its top object is not a list of WDiscriminator modules")
    return modules


def _views(module: Any, prefix: str = "") -> Iterator[tuple[str, _View]]:
    """Every tensor below a module, with its dotted name."""
    for group in ("_parameters", "_buffers"):
        for name, view in module.state[group].items():
            if isinstance(view, _View):
                yield prefix + name, view
    for name, child in module.state["_modules"].items():
        yield from _views(child, f"{prefix}{name}.")


def _view(view: _View, numbers: Mapping[str, Tensor]) -> Tensor:
    """A contiguous tensor as float32, copied out of its storage."""
    size = math.prod(view.shape)
    values = numbers[view.storage.key][view.offset : view.offset + size]
    expected = torch.empty(view.shape, device="meta").stride()
    if len(values) != size or (size > 1 and view.stride != expected):
        raise BankFileError(f"a tensor of shape {view.shape} does not lie whole in its storage")
    return values.reshape(view.shape).float()
