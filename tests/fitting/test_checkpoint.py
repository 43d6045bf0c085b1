import pickle
from pathlib import Path

import pytest
import torch

from mdfloss.fitting import CheckpointError
from mdfloss.fitting.checkpoint import STATE_NAME, FitState, has_state, load_state, remove_state, save_state
from mdfloss.fitting.request import Request
from mdfloss.fitting.scale_gan import ScaleNetworks

CPU = torch.device("cpu")
REQUEST = Request("denoise", {"class_path": "a.B", "init_args": {"sigma": [0, 55]}}, ("00",), {"width": 4})


def _state(generator: torch.Generator) -> FitState:
    networks = ScaleNetworks(4, generator=generator)
    optimizers = [networks.generator_optimizer.state_dict(), networks.critic_optimizer.state_dict()]
    weights = [networks.generator.state_dict()], [networks.critic.state_dict()]
    return FitState(1, 20, *weights, optimizers, generator.get_state())


def test_a_state_comes_back_as_it_was(tmp_path: Path, generator: torch.Generator):
    state = _state(generator)
    assert not has_state(tmp_path)
    save_state(tmp_path, state, REQUEST)
    loaded = load_state(tmp_path, REQUEST, device=CPU)
    assert (loaded.scale_index, loaded.iteration) == (1, 20)
    assert torch.equal(loaded.random_state, state.random_state)
    for key, value in state.critics[0].items():
        assert torch.equal(loaded.critics[0][key], value)
    assert loaded.optimizers[0]["param_groups"][0]["betas"] == (0.5, 0.999)


def test_another_request_is_refused_by_name(tmp_path: Path, generator: torch.Generator):
    save_state(tmp_path, _state(generator), REQUEST)
    other = Request("jpeg", REQUEST.distortion, ("01",), {"width": 4})
    with pytest.raises(CheckpointError, match=r"another fit: seed_sha256 was \['00'\], now \['01'\]; task was"):
        load_state(tmp_path, other, device=CPU)


def test_a_damaged_state_is_a_clear_error(tmp_path: Path, generator: torch.Generator):
    save_state(tmp_path, _state(generator), REQUEST)
    path = tmp_path / STATE_NAME
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", b"not a state"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=r"cannot be read: .*; remove it to start anew"):
            load_state(tmp_path, REQUEST, device=CPU)


class Evil:
    def __reduce__(self):
        return Path.touch, (Path("evil"),)


def test_nothing_in_a_state_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "request": "{}", "state": Evil()}, tmp_path / STATE_NAME)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path, REQUEST, device=CPU)
    (tmp_path / STATE_NAME).write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path, REQUEST, device=CPU)
    assert not (tmp_path / "evil").exists()


def test_a_newer_format_is_refused(tmp_path: Path):
    torch.save({"format": 2, "request": "{}", "state": {}}, tmp_path / STATE_NAME)
    with pytest.raises(CheckpointError, match="has format 2, this mdfloss reads 1"):
        load_state(tmp_path, REQUEST, device=CPU)


def test_removing_leaves_other_files_alone(tmp_path: Path, generator: torch.Generator):
    folder = tmp_path / "work"
    save_state(folder, _state(generator), REQUEST)
    (folder / ".fit-state.1a2b3c4d.part.pt").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    remove_state(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    remove_state(folder)
    assert not folder.exists()
    remove_state(folder)
