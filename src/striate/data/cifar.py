"""CIFAR-10 (Krizhevsky 2009): 60,000 color pictures of 32 x 32 in ten classes.

Two forms are read: the authors' binary version (a record is one label byte, then 3,072 bytes: 1,024
of red, of green, of blue), as a folder or as its archive; and lossless mosaics, one a class
and split (`test_0_airplane.webp`), 50 pictures wide. The Python version is a pickle, which may run
any code, and is never read.
"""

import re
import tarfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import TEST, TRAIN, Array, Dataset
from striate.data.targets import Labels
from striate.errors import DataError, ImageError, UserError
from striate.files import read_bytes
from striate.images import read

CLASSES: tuple[str, ...] = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
SIDE, ACROSS = 32, 50
RECORD = 1 + 3 * SIDE * SIDE
BATCH = 10_000 * RECORD  # bytes of each of the six files
BINARY = re.compile(r"(?P<split>data|test)_batch(_\d)?\.bin")
MOSAIC = re.compile(r"(?P<split>train|test)\d*_(?P<number>\d+)_(?P<label>\w+)\.webp")
PICKLES = re.compile(r"(data_batch_\d|test_batch|cifar-10-python\.tar\.gz)")
PICKLE_REFUSED = (
    "the Python version of CIFAR-10 is a pickle, which may run any code; take the binary version "
    "(cifar-10-binary.tar.gz)"
)


def is_cifar(folder: Path) -> bool:
    """Whether a folder holds CIFAR-10 in a form known here, the refused one included."""
    names = [path.name for path in folder.iterdir()]
    return any(form.fullmatch(name) for form in (BINARY, MOSAIC, PICKLES) for name in names)


def open_cifar(path: Path, *, seed: int, name: str = "") -> Dataset[Labels]:
    """CIFAR-10 from its folder or archive; validation images are drawn from the training ones."""
    if path.is_file():
        parts, classes = _archive(path), CLASSES
    elif any(MOSAIC.fullmatch(file.name) for file in path.iterdir()):
        parts, classes = _mosaics(path)
    elif files := [file for file in sorted(path.iterdir()) if BINARY.fullmatch(file.name)]:
        try:
            parts = [_records(str(file), read_bytes(file, limit=BATCH)) for file in files]
        except UserError as error:
            raise DataError(str(error)) from error
        classes = CLASSES
    else:
        raise DataError(f"{path}: {PICKLE_REFUSED}")
    if not parts:
        raise DataError(f"{path}: no data_batch_1.bin...; expected the binary version of CIFAR-10")
    pixels, targets, split = (np.concatenate(part) for part in zip(*parts, strict=True))
    # Names count each split by itself, in the order of the files.
    names = [""] * len(split)
    for number, word in ((TRAIN, "train"), (TEST, "test")):
        for count, row in enumerate(np.flatnonzero(split == number)):
            names[row] = f"{word}/{count}"
    data = Dataset(
        name=name or path.resolve().name,
        inputs=Array(pixels, names),
        targets=Labels(classes, targets.astype(np.int64)),
        split=split,
    )
    return data.complete(seed)


Part = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int8]]  # pixels, targets, split


def _records(path: str, data: bytes) -> Part:
    if not data or len(data) % RECORD:
        raise DataError(f"{path}: {len(data):,} bytes are no whole number of {RECORD}-byte records")
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, RECORD)
    targets = records[:, 0]
    if targets.max() >= len(CLASSES):
        raise DataError(f"{path}: label {targets.max()}, but CIFAR-10 has {len(CLASSES)} classes")
    pixels = records[:, 1:].reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    test = path.replace("\\", "/").rsplit("/", 1)[-1].startswith("test")
    return pixels, targets, np.full(len(records), TEST if test else TRAIN, dtype=np.int8)


def _archive(path: Path) -> list[Part]:
    """The six members that count, read in place: nothing of the archive is written anywhere."""
    parts = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                if PICKLES.fullmatch(member.name.rsplit("/", 1)[-1]):
                    raise DataError(f"{path}: {PICKLE_REFUSED}")
                if BINARY.fullmatch(member.name.rsplit("/", 1)[-1]) and member.isfile():
                    file: BinaryIO | None = archive.extractfile(member)  # type: ignore[assignment]
                    if file is None or member.size > BATCH:
                        raise DataError(f"{path}: {member.name} has {member.size:,} bytes")
                    parts.append((member.name, file.read(BATCH)))
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    return [_records(name, data) for name, data in sorted(parts)]


def _mosaics(folder: Path) -> tuple[list[Part], tuple[str, ...]]:
    parts: list[Part] = []
    names: dict[int, str] = {}
    for file in sorted(folder.iterdir()):
        if not (match := MOSAIC.fullmatch(file.name)):
            continue
        try:
            mosaic = read(file, at_least=None)
        except ImageError as error:
            raise DataError(f"{file}: {error}") from error
        height, width = mosaic.shape[:2]
        if width != ACROSS * SIDE or height % SIDE:
            raise DataError(
                f"{file}: {width} x {height} pixels; expected {ACROSS * SIDE} x n·{SIDE}"
            )
        tiles = mosaic.reshape(height // SIDE, SIDE, ACROSS, SIDE, 3).swapaxes(1, 2)
        pixels = tiles.reshape(-1, SIDE, SIDE, 3)
        number = int(match["number"])
        if names.setdefault(number, match["label"]) != match["label"]:
            raise DataError(f"{file}: class {number} is called {names[number]!r} in another file")
        split = TEST if match["split"] == "test" else TRAIN
        parts.append(
            (
                pixels,
                np.full(len(pixels), number, dtype=np.uint8),
                np.full(len(pixels), split, dtype=np.int8),
            )
        )
    if sorted(names) != list(range(len(names))):
        raise DataError(f"{folder}: classes {sorted(names)} are not 0 to {len(names) - 1}")
    return parts, tuple(names[number] for number in range(len(names)))
