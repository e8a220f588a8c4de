"""Sets whose pictures lie in arrays (IDX, CIFAR-10), varied or damaged in one way: what is sound is
read the same, or the whole is refused in one line that names the file or the folder."""

import gzip
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import striate.data
from striate.errors import DataError

COUNT = 20


def idx(root: Path) -> None:
    for part, seed in (("train", 0), ("t10k", 1)):
        pixels = np.random.default_rng(seed).integers(0, 256, (COUNT, 5, 4), dtype=np.uint8)
        header = struct.pack(">IIII", 0x803, *pixels.shape)
        (root / f"{part}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        labels = bytes(number % 2 for number in range(COUNT))
        (root / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, COUNT) + labels)


def cifar(root: Path) -> None:
    for name, seed in (("data_batch_1.bin", 0), ("test_batch.bin", 1)):
        rng = np.random.default_rng(seed)
        records = rng.integers(0, 256, (COUNT, 3073), dtype=np.uint8)
        records[:, 0] = np.arange(COUNT) % 10
        (root / name).write_bytes(records.tobytes())


FORMATS: dict[str, Callable[[Path], None]] = {"idx": idx, "cifar": cifar}


def picked(root: Path) -> Path:
    """The training pictures' file."""
    return sorted(path for path in root.rglob("*") if path.name.startswith(("train-im", "data_")))[
        0
    ]


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def vary(root: Path) -> None:
        path = picked(root)
        path.write_bytes(change(path.read_bytes()))

    return vary


def a_pipe(root: Path) -> None:
    path = picked(root)
    path.unlink()
    os.mkfifo(path)


def a_link_to_itself(root: Path) -> None:
    path = picked(root)
    path.unlink()
    path.symlink_to(path)


def a_folder_of_its_name(root: Path) -> None:
    path = picked(root)
    path.unlink()
    path.mkdir()


def zipped(root: Path) -> None:
    for path in list(root.iterdir()):
        if "ubyte" in path.name:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()


def in_raw(root: Path) -> None:
    held = list(root.iterdir())
    (root / "raw").mkdir()
    for path in held:
        path.rename(root / "raw" / path.name)


def system_files(root: Path) -> None:
    for path in list(root.iterdir()):
        (root / f"._{path.name}").write_bytes(b"\0\5\26\7Mac OS X")
    (root / ".DS_Store").write_bytes(b"\0")
    (root / "Thumbs.db").write_bytes(b"\0")


def other_files(root: Path) -> None:
    (root / "readme.html").write_text("<p>1 2 3")
    (root / "batches.meta.txt").write_text("airplane\n")
    (root / "labels.csv").write_text("path,label\na.png,b\n")


def links(root: Path) -> None:
    (root / "elsewhere").mkdir()
    path = picked(root)
    path.rename(root / "elsewhere" / path.name)
    path.symlink_to(Path("elsewhere") / path.name)


SAME: dict[str, Callable[[Path], None]] = {
    "zipped": zipped, "below raw": in_raw, "system files": system_files,
    "other files": other_files, "a link": links,
    "a closed folder": lambda root: (root / "closed").mkdir(mode=0),
    "an empty folder": lambda root: (root / "more").mkdir(),
    "read only": lambda root: picked(root).chmod(0o444),
}  # fmt: skip
REFUSED: dict[str, Callable[[Path], None]] = {
    "a pipe": a_pipe, "a link to itself": a_link_to_itself,
    "a folder of its name": a_folder_of_its_name,
    "emptied": rewritten(lambda data: b""),
    "a byte": rewritten(lambda data: data[:1]),
    "a half": rewritten(lambda data: data[: len(data) // 2]),
    "a byte less": rewritten(lambda data: data[:-1]),
    "a byte more": rewritten(lambda data: data + b"\0"),
    "text": rewritten(lambda data: b"hello, this is a page\n" * 200),
    "a page of an error": rewritten(lambda data: b"<!DOCTYPE html><p>404"),
    "byte order mark": rewritten(lambda data: b"\xef\xbb\xbf" + data),
    "line ends": rewritten(lambda data: data.replace(b"\0", b"\r\n", 3)),
    "a gzip file": rewritten(gzip.compress),
}  # fmt: skip
OF_IDX: dict[str, Callable[[Path], None]] = {
    "another type": rewritten(lambda data: b"\0\0\x0d\3" + data[4:]),
    "other dimensions": rewritten(lambda data: b"\0\0\x08\1" + data[4:]),
    "zero bytes": rewritten(lambda data: bytes(len(data))),
    "more promised": rewritten(lambda data: data[:4] + b"\xff" * 12 + data[16:]),
    "nothing promised": rewritten(lambda data: data[:4] + bytes(12) + data[16:]),
    "fewer promised": rewritten(lambda data: data[:7] + b"\x05" + data[8:]),
    "other sides in the test": rewritten(lambda data: data[:11] + b"\4\0\0\0\5" + data[16:]),
    "pictures alone": lambda root: (root / "train-labels-idx1-ubyte").unlink(),
    "fewer labels": lambda root: (root / "train-labels-idx1-ubyte").write_bytes(
        struct.pack(">II", 0x801, 3) + bytes(3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", SAME)
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_sound_is_read_the_same(tmp_path: Path, name: str, way: str) -> None:
    FORMATS[name](tmp_path)
    before = striate.data.open(tmp_path).fingerprint()
    SAME[way](tmp_path)
    data = striate.data.open(tmp_path)
    assert data.fingerprint() == before
    assert len(data) == 2 * COUNT


CASES = [(name, way) for name in FORMATS for way in REFUSED] + [("idx", way) for way in OF_IDX]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_what_is_damaged_is_refused_in_a_line(tmp_path: Path, name: str, way: str) -> None:
    FORMATS[name](tmp_path)
    (REFUSED | OF_IDX)[way](tmp_path)
    with pytest.raises(DataError) as caught:
        striate.data.open(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_bytes_never_give_a_traceback(tmp_path: Path, name: str) -> None:
    FORMATS[name](tmp_path)
    path = picked(tmp_path)
    sound = path.read_bytes()
    for seed in range(100):
        rng = random.Random(seed)
        data = bytearray(sound)
        for _ in range(rng.randrange(1, 5)):
            data[rng.randrange(16 if rng.randrange(2) else len(data))] = rng.randrange(256)
        path.write_bytes(data[: rng.randrange(len(data) + 1)] if rng.randrange(4) == 0 else data)
        refused = ""
        try:
            assert len(striate.data.open(tmp_path).targets) == 2 * COUNT
        except DataError as error:
            refused = str(error)
        assert "\n" not in refused
