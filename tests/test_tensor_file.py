"""What the files of banks and networks have in common: whole, of our suffix, never overwritten by accident."""

from pathlib import Path

import pytest
import torch

from mdfloss.tensor_file import read_tensor_file, write_tensor_file


class DamagedError(ValueError):
    """What a test asks for."""


def test_tensors_and_text_come_back(tmp_path: Path) -> None:
    tensors = {"a.b": torch.rand(2, 3), "c": torch.arange(4)}
    write_tensor_file(tmp_path / "x.safetensors", tensors, {"card": "Ü {}"}, kind="bank")
    found, metadata = read_tensor_file(tmp_path / "x.safetensors", kind="bank", error=DamagedError)
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], value) for key, value in tensors.items())
    assert metadata == {"card": "Ü {}"}


def test_the_same_content_is_the_same_bytes(tmp_path: Path) -> None:
    tensors, text = {"b": torch.rand(3), "a": torch.rand(2, 2)}, {name: f'"{name}" Ü\n' for name in "klmnop"}
    for number in range(8):
        shuffled = dict(sorted(text.items(), key=lambda item: hash((item, number))))
        write_tensor_file(tmp_path / f"{number}.safetensors", tensors, shuffled, kind="bank")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    found, metadata = read_tensor_file(tmp_path / "0.safetensors", kind="bank", error=DamagedError)
    assert metadata == text
    assert all(torch.equal(found[name], value) for name, value in tensors.items())


def test_a_file_that_exists_and_another_suffix_are_refused(tmp_path: Path) -> None:
    write_tensor_file(tmp_path / "x.safetensors", {"a": torch.zeros(1)}, {}, kind="bank")
    before = (tmp_path / "x.safetensors").read_bytes()
    with pytest.raises(FileExistsError):
        write_tensor_file(tmp_path / "x.safetensors", {"a": torch.ones(1)}, {}, kind="bank")
    assert (tmp_path / "x.safetensors").read_bytes() == before
    with pytest.raises(ValueError, match="a network is saved as"):
        write_tensor_file(tmp_path / "x.pth", {"a": torch.ones(1)}, {}, kind="network")
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize("keep", [0, 7, 60, -1])
def test_a_file_cut_short_is_the_error_that_was_asked_for(tmp_path: Path, keep: int) -> None:
    write_tensor_file(tmp_path / "x.safetensors", {"a": torch.rand(8)}, {"card": "text"}, kind="bank")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "x.safetensors").read_bytes()[:keep])
    with pytest.raises(DamagedError, match="not a whole"):
        read_tensor_file(tmp_path / "cut.safetensors", kind="bank", error=DamagedError)
    with pytest.raises(FileNotFoundError, match="there is no bank at"):
        read_tensor_file(tmp_path / "absent.safetensors", kind="bank", error=DamagedError)
