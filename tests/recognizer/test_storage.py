"""What comes back from a file is what went in, and nothing else comes out of one."""

import json
import pickle
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from striate.errors import WeightsError
from striate.recognizer import Calibration, Recognizer, load
from striate.recognizer.storage import BAG

Make = Callable[[str], Recognizer]


@pytest.mark.parametrize("name", ["lenet5", "efficientnet_lite0", BAG])
def test_round_trip_bit_for_bit(
    name: str, recognizer: Make, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    ours, path = recognizer(name), tmp_path / "folder" / "it.safetensors"
    ours.save(path)
    theirs = load(path)
    assert (theirs.classes, theirs.calibration) == (ours.classes, Calibration(0.7, 0.36))
    assert (theirs.preprocessing, theirs.provenance) == (ours.preprocessing, ours.provenance)
    one, two = ours(list(pixels)), theirs(list(pixels))
    assert one == two
    assert len({prediction.labels for prediction in one}) == 7  # not one answer for all
    again = tmp_path / "again.safetensors"
    theirs.save(again)
    with safe_open(path, "pt") as a, safe_open(again, "pt") as b:
        assert a.metadata() == b.metadata()


def test_foreign_network_needs_the_network(
    foreign: Recognizer, pixels: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "own.safetensors"
    foreign.save(path)
    with pytest.raises(
        WeightsError, match=r"user's own \(Sequential\).*load\(path, model=\.\.\.\)"
    ):
        load(path)
    fresh = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(400, 2),
    )
    again = load(path, model=fresh)
    assert again(list(pixels)) == foreign(list(pixels))
    assert again.model is fresh
    assert not fresh.training
    with pytest.raises(WeightsError, match="does not fit its network"):
        load(path, model=torch.nn.Linear(3, 2))


def test_saving_replaces_whole_files_only(recognizer: Make, tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    recognizer("lenet5").save(path)
    before = path.read_bytes()
    broken = recognizer("lenet5")
    broken.provenance["odd"] = object()
    with pytest.raises(TypeError):
        broken.save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["it.safetensors"]


# Refusals: each file is wrong in one way, and is refused quickly, in one line, with little memory.


@pytest.fixture
def saved(recognizer: Make, tmp_path: Path) -> Path:
    path = tmp_path / "good.safetensors"
    recognizer("lenet5").save(path)
    return path


@pytest.fixture
def refuse() -> Callable[[Path, str], None]:
    """`refuse(path, words)`: loading says so."""

    def check(path: Path, words: str) -> None:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        with pytest.raises(WeightsError, match=words) as caught:
            load(path)
        assert "\n" not in str(caught.value)
        assert str(path) in str(caught.value) or "user's own" in str(caught.value)
        assert len(str(caught.value)) < 400
        assert time.perf_counter() - start < 5
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200_000  # kilobytes

    return check


def changed(path: Path, **changes: Any) -> Path:
    """A copy whose header says something else; a value of None takes the entry out."""
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["striate"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, value in changes.items():
        header.pop(name) if value is None else header.update({name: value})
    copy = path.with_name("changed.safetensors")
    save_file(tensors, copy, metadata={"striate": json.dumps(header)})
    return copy


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("unpickled"),))


def test_pickles_are_never_opened(
    refuse: Callable[[Path, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.safetensors", "b.pth", "c.pt", "d.pkl", "e.PTH", "f.bin", "g"):
        (tmp_path / name).write_bytes(pickle.dumps(Evil()))
        refuse(tmp_path / name, "may run code|not a file that striate wrote")
    torch.save({"a": Evil()}, tmp_path / "z.safetensors")
    refuse(tmp_path / "z.safetensors", "not a file that striate wrote")
    assert not (tmp_path / "unpickled").exists()


def test_files_that_are_something_else(
    saved: Path, refuse: Callable[[Path, str], None], tmp_path: Path
) -> None:
    refuse(tmp_path / "absent.safetensors", "there is no file")
    refuse(tmp_path, "there is no file")
    path = tmp_path / "odd.safetensors"
    for content in (b"", b"\x00", b"hello there, this is text", saved.read_bytes()[:9]):
        path.write_bytes(content)
        refuse(path, "not a file that striate wrote")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
    refuse(path, "not a file that striate wrote")
    save_file({"weight": torch.zeros(3)}, path)
    refuse(path, "not a file that striate wrote")
    for text in ("no json", "[1]", "3", "[" * 100_000):
        save_file({"weight": torch.zeros(3)}, path, metadata={"striate": text})
        refuse(path, "not a file that striate wrote")


@pytest.mark.parametrize("share", [0.05, 0.5, 0.99, 0.99999])
def test_truncated(share: float, saved: Path, refuse: Callable[[Path, str], None]) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: int(len(data) * share)])
    refuse(saved, "not a file that striate wrote")


def test_every_missing_entry(saved: Path, refuse: Callable[[Path, str], None]) -> None:
    refuse(changed(saved, format=None), "no recognizer of format 2")
    refuse(changed(saved, format=3), "it says 3")
    for name in ("architecture", "preprocessing", "classes", "calibration", "provenance"):
        refuse(changed(saved, **{name: None}), f"damaged recognizer file .*'{name}'")


VIEW = {"size": 32, "channels": 3, "fit": "squash", "fraction": 0.875}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"architecture": {"name": "lenet6", "options": {}}}, "did you mean lenet5"),
        ({"architecture": {"name": "lenet5", "options": {"depth": 3}}}, "option of lenet5"),
        ({"architecture": {"name": "lenet5", "options": {"image_size": -9}}}, "damaged|fit"),
        ({"architecture": {"name": "lenet5", "options": {"image_size": 10**9}}}, "damaged|fit"),
        ({"architecture": {"name": "lenet5", "options": {"channels": "3"}}}, "damaged"),
        ({"architecture": {"name": "lenet5", "options": {"channels": 1}}}, "c1.*expected"),
        ({"architecture": {"name": "lenet5", "options": [1]}}, "damaged"),
        ({"architecture": {"name": "lenet5", "options": {"classes": 3}}}, "damaged"),
        ({"architecture": {"name": "lenet5", "options": {"weights": "x.pt"}}}, "other weights"),
        ({"architecture": {"name": ["lenet5"]}}, "damaged"),
        ({"architecture": {"name": BAG, "options": {}}}, "damaged"),
        ({"architecture": {"name": "vgg16"}}, "does not fit"),
        ({"architecture": "lenet5"}, "no object"),
        ({"architecture": {"name": None, "kind": "Net"}}, "user's own"),
        ({"classes": ["a", "b"]}, r"output.bias is \(3,\) float32, expected \(2,\) float32"),
        ({"classes": []}, "no list of names"),
        ({"classes": "abc"}, "no list of names"),
        ({"classes": [1, 2, 3]}, "no list of names"),
        ({"calibration": {"temperature": 0.0, "threshold": 0.1}}, "temperature must be"),
        ({"calibration": {"temperature": "1", "threshold": 0.1}}, "damaged"),
        ({"calibration": {"odd": 1}}, "damaged"),
        ({"calibration": [1.0, 0.0]}, "damaged"),
        ({"preprocessing": {"view": VIEW, "mean": [1], "std": [1], "bgr": False}}, "do not fit"),
        ({"preprocessing": {"view": {**VIEW, "size": 0}}}, "damaged"),
        (
            {
                "preprocessing": {
                    "view": {**VIEW, "size": 10**6}, "mean": [1] * 3, "std": [1] * 3, "bgr": False
                }
            },
            "1,000,000 pixels",
        ),
        ({"provenance": 3}, "no object"),
    ],
)  # fmt: skip
def test_headers_that_do_not_fit(
    changes: dict[str, Any], words: str, saved: Path, refuse: Callable[[Path, str], None]
) -> None:
    refuse(changed(saved, **changes), words)


def rewritten(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> Path:
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    change(tensors)
    copy = path.with_name("rewritten.safetensors")
    save_file(tensors, copy, metadata=metadata)
    return copy


def test_tensors_that_do_not_fit(saved: Path, refuse: Callable[[Path, str], None]) -> None:
    shape = rewritten(saved, lambda t: t.update({"f6.0.weight": torch.zeros(84, 121)}))
    refuse(shape, r"f6.0.weight is \(84, 121\) float32, expected \(84, 120\) float32 \(1 differ\)")
    kind = rewritten(saved, lambda t: t.update({"f6.0.bias": torch.zeros(84, dtype=torch.int64)}))
    refuse(kind, r"f6.0.bias is \(84,\) int64")
    refuse(rewritten(saved, lambda t: t.__delitem__("c1.0.bias")), "c1.0.bias is missing")
    more = rewritten(saved, lambda t: t.update(extra=torch.zeros(1)))
    refuse(more, "extra is .* expected nothing of that name")


def test_ten_gigabytes(saved: Path, refuse: Callable[[Path, str], None], tmp_path: Path) -> None:
    metadata = {"striate": json.dumps({"format": 1})}
    entry = {"dtype": "F32", "shape": [2_684_354_560], "data_offsets": [0, 10 * 2**30]}
    header = json.dumps({"__metadata__": metadata, "weight": entry}).encode()
    claim = tmp_path / "claim.safetensors"
    claim.write_bytes(struct.pack("<Q", len(header)) + header)  # and nothing behind it
    refuse(claim, "not a file that striate wrote")
    claim.write_bytes(struct.pack("<Q", 10 * 2**30) + header)
    refuse(claim, "not a file that striate wrote")
    with safe_open(saved, "pt") as file:  # as large as it says, but a hole: nothing may read it
        good = file.metadata()
    header = json.dumps({"__metadata__": good, "output.weight": entry}).encode()
    with claim.open("wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        out.truncate(8 + len(header) + 10 * 2**30)
    refuse(claim, "does not fit its network")
