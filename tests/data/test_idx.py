"""IDX files: what the header promises is checked before memory is taken."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.data.idx import find_idx, open_idx, read_idx
from striate.errors import DataError


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    return (
        bytes((0, 0, kind, array.ndim))
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.tobytes()
    )


def pixels(count: int, size: int = 4) -> np.ndarray:
    return (np.arange(count * size * size) % 251).astype(np.uint8).reshape(count, size, size)


@pytest.fixture
def pairs(tmp_path: Path):
    """`pairs(train=20, t10k=10)` writes gzipped pairs of so many images, of two classes."""

    def write(zipped: bool = True, **counts: int) -> Path:
        for prefix, count in counts.items():
            labels = (np.arange(count) % 2).astype(np.uint8)
            for kind, array in (("images-idx3", pixels(count)), ("labels-idx1", labels)):
                data = gzip.compress(idx(array)) if zipped else idx(array)
                name = f"{prefix}-{kind}-ubyte{'.gz' if zipped else ''}"
                (tmp_path / name).write_bytes(data)
        return tmp_path

    return write


@pytest.mark.parametrize("zipped", [True, False])
def test_two_pairs_are_a_set_with_a_test(pairs, zipped):
    data = open_idx(pairs(zipped, train=20, t10k=10), seed=0)
    assert data.classes == ("0", "1")
    assert data.drawn == {"validation"}
    assert data.counts().tolist() == [[8, 2, 5], [8, 2, 5]]
    assert data.test.inputs.name(3) == "test/3"
    np.testing.assert_array_equal(data.test.inputs[3][..., 0], pixels(10)[3])
    assert {data.train.inputs.name(0)[:6], data.validation.inputs.name(0)[:6]} == {"train/"}


def test_one_pair_has_its_test_drawn(pairs):
    folder = pairs(train=20, t10k=10)
    data = open_idx(folder, seed=0, only=folder / "t10k-labels-idx1-ubyte.gz")
    assert data.drawn == {"test", "validation"}
    assert len(data) == 10


def test_names_of_the_labels(pairs):
    folder = pairs(train=20)
    assert open_idx(folder, seed=0, classes=("x", "y", "z"), name="n").classes == ("x", "y", "z")
    with pytest.raises(DataError, match="label 1, but only 1 classes"):
        open_idx(folder, seed=0, classes=("x",))


def test_a_plain_file_has_precedence_and_dots_are_fine(tmp_path: Path):
    for name in ("a-images.idx3-ubyte", "a-images.idx3-ubyte.gz", "a-labels.idx1-ubyte"):
        (tmp_path / name).touch()
    (pair,) = find_idx(tmp_path).values()
    assert [path.name for path in pair] == ["a-images.idx3-ubyte", "a-labels.idx1-ubyte"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train": 20, "train-labels-idx1-ubyte.gz": None}, "train-images is here, its labels are"),
        ({"train": 20, "train-labels-idx1-ubyte.gz": idx(np.zeros(3, np.uint8))}, "but 3 labels"),
    ],
)
def test_incomplete_sets(pairs, change, words):
    folder = pairs(**{name: count for name, count in change.items() if isinstance(count, int)})
    for name, data in change.items():
        if data is None:
            (folder / name).unlink()
        elif isinstance(data, bytes):
            (folder / name).write_bytes(gzip.compress(data))
    with pytest.raises(DataError) as caught:
        open_idx(folder, seed=0)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not an IDX file: it starts with "),
        (b"PK\x03\x04", "not an IDX file: it starts with 50 4b 03 04"),
        (idx(pixels(2), kind=0x0D), "IDX type 0x0d; only unsigned bytes"),
        (idx(np.zeros(3, np.uint8)), "1 dimensions, not 3"),
        (idx(pixels(2))[:-1], "ends after 31 of 32 bytes"),
        (idx(pixels(2)) + b"x", "goes on after the 32 bytes it promises"),
        (idx(np.zeros((0, 4, 4), np.uint8)), "holds nothing"),
        (bytes((0, 0, 8, 3)) + b"\xff" * 12, "promises"),
        (bytes((0, 0, 8, 3, 0, 0)), "cannot be read"),
    ],
)
def test_broken_files(tmp_path: Path, data, words):
    path = tmp_path / "a-images-idx3-ubyte"
    path.write_bytes(data)
    with pytest.raises(DataError) as caught:
        read_idx(path, dimensions=3)
    assert words in str(caught.value)


def test_a_small_gzip_cannot_promise_much(tmp_path: Path):
    """A header that promises 4 GiB in a file of 40 bytes is refused without taking memory."""
    path = tmp_path / "a-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + struct.pack(">3I", 2**20, 64, 64)))
    with pytest.raises(DataError, match="promises 4,294,967,296 bytes, but has"):
        read_idx(path, dimensions=3)


@given(st.data())
def test_mutated_files_are_arrays_or_refused(tmp_path_factory, data):
    mutated = bytearray(gzip.compress(idx(pixels(5)), mtime=0))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / "m-images-idx3-ubyte.gz"
    path.write_bytes(mutated[: data.draw(st.integers(0, len(mutated)))])
    try:
        assert read_idx(path, dimensions=3).ndim == 3
    except DataError:
        return


def test_mnist(shared):
    data = open_idx(shared("data/mnist"), seed=0)
    assert data.counts()[:, 2].tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.counts().sum(0).tolist() == [48_000, 12_000, 10_000]
    assert data.inputs[0].shape == (28, 28, 3)
