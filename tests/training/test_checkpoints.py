"""The file of a run: what goes in comes out, and what is no such file is refused."""

import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from striate.errors import StorageError, WeightsError
from striate.tensors import load_tensors, save_tensors
from striate.training import Objective, Recipe
from striate.training.checkpoints import load_checkpoint, save_checkpoint
from striate.training.optimizers import optimizer_for, schedule_for


def objective(model: nn.Module) -> Objective[Any]:
    recipe = Recipe(1, 1, 0.1)
    optimizer = optimizer_for(model, recipe, new=model.parameters())
    return Objective(lambda _: {}, optimizer, schedule_for(optimizer, recipe, 10))


def saved(folder: Path) -> Path:
    model = nn.Linear(2, 1)
    save_checkpoint(folder / "checkpoint", 3, model, [objective(model)], losses=[0.5, 0.25])
    return folder / "checkpoint"


def test_tensors_and_header_come_back_as_they_were(tmp_path: Path) -> None:
    tensors = {
        "a": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
        "b": torch.tensor(7),
        "c": torch.randn(4, 2).T,
    }
    header = {"words": ["<é>", None], "number": 0.1}
    save_tensors(tmp_path / "file", tensors, header)
    back, text = load_tensors(tmp_path / "file")
    assert text == header
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensors[name]) for name in tensors)


def test_step_losses_and_random_numbers_come_back(tmp_path: Path) -> None:
    path = saved(tmp_path)
    expected = torch.rand(3)
    torch.manual_seed(5)
    model = nn.Linear(2, 1)
    assert load_checkpoint(path, model, [objective(model)]) == (3, [0.5, 0.25])
    assert torch.equal(torch.rand(3), expected)


def test_momentum_lies_in_memory_as_its_weights_do(tmp_path: Path) -> None:
    # Fused optimizers walk both in memory order; other strides would move the wrong weights.
    model = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    learned = objective(model)
    model(torch.randn(2, 3, 5, 5)).square().sum().backward()
    learned.optimizer.step()
    wanted = learned.optimizer.state[model.weight]["momentum_buffer"].clone()
    save_checkpoint(tmp_path / "checkpoint", 1, model, [learned])
    fresh = objective(model)
    load_checkpoint(tmp_path / "checkpoint", model, [fresh])
    momentum = fresh.optimizer.state[model.weight]["momentum_buffer"]
    assert momentum.stride() == model.weight.stride()
    assert torch.equal(momentum, wanted)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"there is no file .*absent"):
        load_tensors(tmp_path / "absent")


@pytest.mark.parametrize("length", [0, 4, 60, -1])
def test_a_truncated_file_is_refused(length: int, tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(WeightsError, match="not a file that striate wrote"):
        load_tensors(path)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "weights.pt")
    with pytest.raises(WeightsError, match="not a file that striate wrote"):
        load_tensors(tmp_path / "weights.pt")


def test_another_program_s_safetensors_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"a": torch.ones(1)}, tmp_path / "plain")
    save_file({"a": torch.ones(1)}, tmp_path / "list", metadata={"striate": "[1]"})
    for name in ("plain", "list"):
        with pytest.raises(WeightsError, match="not a file that striate wrote"):
            load_tensors(tmp_path / name)


def test_weights_alone_are_no_checkpoint(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    save_tensors(tmp_path / "best", model.state_dict(), {})
    with pytest.raises(WeightsError, match="not a checkpoint of a run"):
        load_checkpoint(tmp_path / "best", model, [objective(model)])


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    path, other = saved(tmp_path), nn.Linear(3, 1)
    with pytest.raises(WeightsError, match=r"of another model .*size mismatch"):
        load_checkpoint(path, other, [objective(other)])
    with pytest.raises(WeightsError, match="of another model"):
        load_checkpoint(path, nn.Linear(2, 1), [])


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = saved(tmp_path)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # no file may grow beyond
    try:
        with pytest.raises(StorageError, match=r"cannot write .*checkpoint"):
            save_tensors(path, {"large": torch.zeros(100_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint"]
