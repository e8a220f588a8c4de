"""Tensors with a header in one file, and rows that are written as they come."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from striate import tensors
from striate.errors import StorageError, WeightsError
from striate.tensors import apart, load_tensors, save_rows, save_tensors


@pytest.mark.parametrize(("count", "width"), [(0, 0), (1, 1), (1000, 7), (3, 200_000)])
def test_rows_are_an_array(tmp_path: Path, count: int, width: int) -> None:
    rows = np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)
    assert save_rows(tmp_path / "rows.npy", iter(rows)) == (count, width)
    assert np.array_equal(np.load(tmp_path / "rows.npy", allow_pickle=False), rows)


def test_what_fails_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    save_rows(tmp_path / "rows.npy", iter(np.ones((2, 3), np.float32)))
    with pytest.raises(ValueError, match="beside rows of 3 numbers"):
        save_rows(tmp_path / "rows.npy", [np.ones(3, np.float32), np.ones(4, np.float32)])
    assert np.load(tmp_path / "rows.npy").shape == (2, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.npy"]


def test_tensors_and_header_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3).T, "b": torch.tensor(3, dtype=torch.int64)}
    save_tensors(tmp_path / "it.safetensors", tensors, {"names": ["ä", "b"]})
    found, header = load_tensors(tmp_path / "it.safetensors")
    assert header == {"names": ["ä", "b"]}
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_two_names_of_one_tensor_are_two_tensors(tmp_path: Path) -> None:
    """Tied weights, which the format refuses to write as they are."""
    one = torch.ones(4)
    save_tensors(tmp_path / "it.safetensors", {"a": one, "b": one, "c": one[:2]}, {})
    found, _ = load_tensors(tmp_path / "it.safetensors")
    assert [found[name].tolist() for name in "abc"] == [[1.0] * 4, [1.0] * 4, [1.0] * 2]


@pytest.mark.parametrize("text", ["no json", "[1]", "3", "[" * 100_000])
def test_headers_that_are_not_an_object(text: str, tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    save_file({"a": torch.zeros(1)}, path, metadata={"striate": text})
    with pytest.raises(WeightsError, match="is not a file that striate wrote") as caught:
        load_tensors(path)
    assert str(caught.value).isprintable()


def test_what_lies_apart_already_is_written_from_where_it_lies() -> None:
    alone, pair = torch.ones(3, 2), torch.ones(4)
    tensors = {"alone": alone, "one": pair, "two": pair, "part": alone[:1], "turned": alone.T}
    found = apart(tensors)
    assert found["alone"].data_ptr() == alone.data_ptr()
    assert len({one.untyped_storage().data_ptr() for one in found.values()}) == len(tensors)
    assert all(found[name].is_contiguous() for name in tensors)
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_a_full_disk_is_told_in_its_own_words(tmp_path: Path, monkeypatch) -> None:
    words = "Error while serializing: I/O error: No space left on device (os error 28)"

    def full(*arguments: object, **options: object) -> None:
        raise SafetensorError(words)

    monkeypatch.setattr(tensors, "save_file", full)
    with pytest.raises(StorageError, match=r"cannot write .*: No space left on device$"):
        save_tensors(tmp_path / "a.safetensors", {"a": torch.ones(1)}, {})
