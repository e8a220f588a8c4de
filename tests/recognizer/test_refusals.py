"""Each file is wrong in one way, and is refused soon, in one line and in little memory."""

import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from striate.recognizer import FORMAT, Recognizer

Refused = Callable[[Path, str], None]


def changed(path: Path, **changes: Any) -> Path:
    """A copy whose header holds something else; a value of None takes the entry out."""
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["striate"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, value in changes.items():
        header.pop(name) if value is None else header.update({name: value})
    other = path.with_name("changed.safetensors")
    save_file(tensors, other, metadata={"striate": json.dumps(header)})
    return other


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("unpickled"),))


def test_pickles_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("a.safetensors", "b.pth", "c.pt", "d.pkl", "e.PTH", "f.bin", "g", "h.joblib", "i.ckpt")
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        for name in names:
            (tmp_path / name).write_bytes(pickle.dumps(Evil(), protocol))
            refused(tmp_path / name, "may run code|not a file that striate wrote")
    torch.save({"a": Evil()}, tmp_path / "z.safetensors")
    refused(tmp_path / "z.safetensors", "not a file that striate wrote")
    assert not (tmp_path / "unpickled").exists()


def test_files_that_are_something_else(saved: Path, tmp_path: Path, refused: Refused) -> None:
    refused(tmp_path / "absent.safetensors", "there is no file")
    refused(tmp_path, "there is no file")
    os.mkfifo(tmp_path / "pipe.safetensors")
    refused(tmp_path / "pipe.safetensors", "there is no file")
    path = tmp_path / "odd.safetensors"
    for content in (b"", b"\x00", b"hello there, this is text", saved.read_bytes()[:9]):
        path.write_bytes(content)
        refused(path, "not a file that striate wrote")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    refused(path, "not a file that striate wrote")
    save_file({"weight": torch.zeros(3)}, path)
    refused(path, "not a file that striate wrote")
    for text in ("no json", "[1]", "3", "[" * 100_000):
        save_file({"weight": torch.zeros(3)}, path, metadata={"striate": text})
        refused(path, "not a file that striate wrote")


def test_every_missing_entry(saved: Path, refused: Refused) -> None:
    refused(changed(saved, format=None), "of the format None; this striate reads")
    refused(changed(saved, task=None), "task None")
    for name in ("kind", "names", "predictor", "provenance"):
        refused(changed(saved, **{name: None}), f"damaged recognizer file .*'{name}'")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 3}, f"of the format 3; this striate reads '{FORMAT}'"),
        ({"format": ["x" * 5000]}, "of the format"),
        ({"task": "weighting"}, "a task 'weighting', which this striate does not know"),
        ({"task": ["weighing"]}, "which this striate does not know"),
        ({"task": "\x1b[31m"}, r"\\x1b"),
        ({"kind": "scale"}, "a 'scale', which weighing does not know"),
        ({"kind": {}}, "which weighing does not know"),
        ({"names": "abc"}, "not a list of text"), ({"names": [1, 2, 3]}, "not a list of text"),
        ({"names": {}}, "not a list of text"), ({"names": ["a", "a", "b"]}, "some are equal"),
        ({"names": ["a", "b"]}, "another form"), ({"names": []}, "another form"),
        ({"predictor": 3}, "not an object"), ({"predictor": []}, "not an object"),
        ({"predictor": {}}, "there is no 'bias'"), ({"predictor": {"bias": "1"}}, "bias is '1'"),
        ({"predictor": {"bias": float("nan")}}, "bias is nan"),
        ({"provenance": 3}, "not an object"), ({"provenance": []}, "not an object"),
    ],
)  # fmt: skip
def test_headers_that_do_not_fit(
    changes: dict[str, Any], reason: str, saved: Path, refused: Refused
) -> None:
    refused(changed(saved, **changes), reason)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite(
    value: float, ours: Recognizer, tmp_path: Path, refused: Refused
) -> None:
    ours.predictor.weights[1] = value
    ours.save(tmp_path / "it.safetensors")
    refused(tmp_path / "it.safetensors", "not all numbers of weights are finite")


HUGE = 10 * 2**30


def with_places(path: Path, places: dict[str, Any], size: int) -> Path:
    """The header of a file over tensors of that size, all of it a hole."""
    with safe_open(path, "pt") as file:
        text = json.dumps({"__metadata__": file.metadata(), **places}).encode()
    other = path.with_name("claim.safetensors")
    with other.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + size)
    return other


def test_ten_gigabytes(saved: Path, tmp_path: Path, refused: Refused) -> None:
    """Memory is not taken for what a file claims, nor for a hole of that size in it."""
    entry = {"dtype": "F32", "shape": [HUGE // 4], "data_offsets": [0, HUGE]}
    refused(with_places(saved, {"weights": entry}, 0), "not a file that striate wrote")
    refused(with_places(saved, {"weights": entry}, HUGE), "another form")
    long = tmp_path / "long.safetensors"
    long.write_bytes(struct.pack("<Q", HUGE) + b"{}")
    refused(long, "not a file that striate wrote")
