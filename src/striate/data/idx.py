"""IDX, the format of MNIST: a few bytes of header, then the pixels (or labels) as they are.

Magic 00 00 08 d for unsigned bytes in d dimensions, d sizes as big-endian 32-bit numbers, data;
plain or gzipped. A set is one or two pairs: `train-images-idx3-ubyte` with
`train-labels-idx1-ubyte`, and the same with `t10k` (or `test`).
"""

import gzip
import math
import os
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import psutil
from numpy.typing import NDArray

from striate.data.dataset import TEST, TRAIN, Array, Dataset
from striate.data.names import quoted
from striate.data.targets import Labels
from striate.errors import DataError
from striate.files import open_regular

UNSIGNED_BYTES = 0x08
DEFLATE = 1032  # no gzip file unpacks to more than this times its size
MAX_BYTES = 16 * 2**30
CHUNK = 2**24
FILE = re.compile(
    r"(?P<prefix>.*?)[-_.]?(?P<kind>images|labels)[-_.]idx[13][-_.]ubyte(\.gz)?", re.I
)

SPLIT = re.compile(r"[-_.]*(train|training|t10k|test|testing)$")


def find_idx(folder: Path) -> dict[str, tuple[Path, Path]]:
    """The pairs of images and labels in a folder, by prefix ("train", "t10k")."""
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir(), reverse=True):  # a plain file has precedence over its .gz
        if path.name.startswith("."):  # `._train-images-idx3-ubyte`, of a Mac
            continue
        if path.is_dir():  # of the file's name, as Kaggle unpacks it
            path /= path.name
            if not path.exists():
                continue
        if match := FILE.fullmatch(path.name):
            found.setdefault(match["prefix"].lower(), {})[match["kind"].lower()] = path
    for prefix, pair in found.items():
        if len(pair) == 1:
            (kind,) = pair
            other = "labels" if kind == "images" else "images"
            raise DataError(f"{folder}: {prefix}-{kind} is here, its {other} are not")
    return {prefix: (pair["images"], pair["labels"]) for prefix, pair in found.items()}


def open_idx(
    folder: Path,
    *,
    seed: int,
    name: str = "",
    classes: Sequence[str] | None = None,
    only: Path | None = None,
) -> Dataset[Labels]:
    """The pairs in a folder as one set.

    Args:
        only: one of the files: its pair alone is the set, whatever its prefix says.
        classes: names of the labels 0, 1...; without them, the labels that occur.
    """
    images, labels, splits, names = [], [], [], []
    pairs = find_idx(folder)
    if only:
        (prefix,) = (prefix for prefix, pair in pairs.items() if _plain(only) in map(_plain, pair))
        pairs = {"train": pairs[prefix]}
    if len(sets := {SPLIT.sub("", prefix) for prefix in pairs}) > 1:
        raise DataError(
            f"{folder}: holds {len(sets)} sets ({quoted(sets)}); put each into a folder of its own"
        )
    for prefix, (pixel_file, label_file) in sorted(pairs.items(), reverse=True):
        pixels, marks = read_idx(pixel_file, dimensions=3), read_idx(label_file, dimensions=1)
        if len(pixels) != len(marks):
            raise DataError(
                f"{folder}: {len(pixels):,} images in {pixel_file.name}, but {len(marks):,} "
                f"labels in {label_file.name}"
            )
        test = prefix.endswith(("t10k", "test", "testing"))
        images.append(pixels)
        labels.append(marks)
        splits.append(np.full(len(marks), TEST if test else TRAIN, dtype=np.int8))
        names += [f"{'test' if test else 'train'}/{row}" for row in range(len(marks))]
    if len({pixels.shape[1:] for pixels in images}) > 1:
        shapes = " and ".join(str(pixels.shape[1:]) for pixels in images)
        raise DataError(f"{folder}: images of different sizes: {shapes}")
    targets, split = np.concatenate(labels).astype(np.int64), np.concatenate(splits)
    if classes is None:
        values, targets = np.unique(targets, return_inverse=True)
        classes = [str(value) for value in values]
    else:
        if targets.max() >= len(classes):
            raise DataError(f"{folder}: label {targets.max()}, but only {len(classes)} classes")
    data = Dataset(
        name=name or folder.resolve().name,
        inputs=Array(images[0] if len(images) == 1 else np.concatenate(images), names),
        targets=Labels(tuple(classes), targets),
        split=split,
    )
    return data.complete(seed)


def _plain(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


def _unpacked(file: BinaryIO, path: Path) -> BinaryIO:
    """What is in a file, unpacked where its name says that it is packed."""
    zipped = path.name.lower().endswith(".gz")
    return cast(BinaryIO, gzip.GzipFile(fileobj=file)) if zipped else file


def read_idx(path: Path, *, dimensions: int) -> NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes; what its header promises is checked first.

    Raises:
        DataError: if it is no such file, has other dimensions, or is not as long as it says.
    """
    try:
        with open_regular(path) as plain, _unpacked(plain, path) as file:
            size = os.fstat(plain.fileno()).st_size
            zipped = file is not plain
            magic = file.read(4)
            if magic[:2] != b"\0\0" or len(magic) < 4:
                raise DataError(f"{path}: not an IDX file: it starts with {magic.hex(' ')}")
            if magic[2] != UNSIGNED_BYTES:
                raise DataError(f"{path}: IDX type 0x{magic[2]:02x}; only unsigned bytes are read")
            if magic[3] != dimensions:
                raise DataError(f"{path}: {magic[3]} dimensions, not {dimensions}")
            shape = struct.unpack(f">{dimensions}I", file.read(4 * dimensions))
            promised = math.prod(shape)
            possible = size * DEFLATE if zipped else size
            if promised > min(possible, MAX_BYTES):
                raise DataError(f"{path}: promises {promised:,} bytes, but has {size:,}")
            if promised == 0:
                raise DataError(f"{path}: holds nothing: its size is {shape}")
            if promised > (room := psutil.virtual_memory().available):
                raise DataError(f"{path}: {promised:,} bytes unpacked; memory has {room:,} left")
            data = bytearray()
            while len(data) < promised and (chunk := file.read(min(CHUNK, promised - len(data)))):
                data += chunk
            if len(data) < promised:
                raise DataError(f"{path}: ends after {len(data):,} of {promised:,} bytes")
            if file.read(1):
                raise DataError(f"{path}: goes on after the {promised:,} bytes it promises")
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)
