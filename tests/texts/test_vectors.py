"""Word vectors from every form of file, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from striate.errors import WeightsError
from striate.texts import load_vectors

WORDS = ("the", "cat", "n't", "New York")
VECTORS = np.arange(12, dtype=np.float32).reshape(4, 3) / 8


def glove(path: Path, *, head: str = "") -> Path:
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(WORDS, VECTORS, strict=True)]
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def binary(path: Path, *, ends: bytes = b"\n") -> Path:
    rows = (
        word.replace(" ", "_").encode() + b" " + row.tobytes() + ends
        for word, row in zip(WORDS, VECTORS, strict=True)
    )
    path.write_bytes(b"4 3\n" + b"".join(rows))
    return path


def beside(path: Path) -> Path:
    np.save(path, VECTORS.astype(np.float16))
    path.with_name("words.txt").write_text("\n".join(WORDS) + "\n")
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: glove(folder / "glove.txt"),
        lambda folder: glove(folder / "vectors.vec", head="4 3\n"),
        lambda folder: binary(folder / "vectors.bin"),
        lambda folder: binary(folder / "vectors.bin", ends=b""),
        lambda folder: beside(folder / "vectors.npy"),
        lambda folder: beside(folder / "vectors.npy").parent,
    ],
)
def test_every_form(tmp_path: Path, make) -> None:
    found = load_vectors(make(tmp_path), ["cat", "n't", "dog"])
    assert found.words == ("cat", "n't")
    assert np.array_equal(found.vectors, VECTORS[1:3])
    assert found.vectors.dtype == np.float32


def test_further_words_from_the_beginning(tmp_path: Path) -> None:
    for place in (
        glove(tmp_path / "a.txt"),
        binary(tmp_path / "b.bin"),
        beside(tmp_path / "c.npy"),
    ):
        assert load_vectors(place, ["n't"], further=1).words == ("the", "n't")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "first line is not a word"),
        (b"<html>\n", "first line is not a word"),
        (b"the 0.1 0.2\ncat 0.1\n", "line 2 has 1 numbers, not 2"),
        (b"the 0.1 nan\n", "not finite"),
        (b"99999999999 3\nthe", "says that it holds"),
        (b"4 3\nthe \0\0\0\0\0\0", "ends within record 1 of 4"),
    ],
)
def test_what_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "vectors.bin").write_bytes(data)
    with pytest.raises(WeightsError, match=why):
        load_vectors(tmp_path / "vectors.bin", ["the", "cat"])


def test_arrays_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    np.save(path, VECTORS)
    with pytest.raises(WeightsError, match="no list of words beside it"):
        load_vectors(path, ["the"])
    (tmp_path / "words.txt").write_text("the\n")
    with pytest.raises(WeightsError, match="4 rows for 1 words"):
        load_vectors(path, ["the"])
    np.save(path, np.array([{"a": 1}], object))
    with pytest.raises(WeightsError):  # nothing is unpickled
        load_vectors(path, ["the"])
    with pytest.raises(WeightsError, match="there is no file"):
        load_vectors(tmp_path / "none.txt", ["the"])
