"""Texts as inputs: lines of a table, or files; read safely, and refused in words."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from striate.data.dataset import Dataset, InFiles
from striate.data.markup import text_of
from striate.data.narrowing import narrowed
from striate.data.prepared import Prepared
from striate.data.splits import Rows
from striate.errors import InputError, UserError
from striate.files import read_bytes
from striate.progress import track

SUFFIXES = frozenset((".txt", ".text"))
LARGEST = 2**24  # bytes of a file that is one text
MOST_WORDS = 10_000  # of a text; more are a book, and memory grows with the longest
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff]")
ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~])?")  # what colors a terminal (ECMA-48)
GARBAGE, FEW = 0.02, 2  # share of control characters, and how many, from which on it is no text
HALF = re.compile("[\ud800-\udfff]")  # of a character; what UTF-8 cannot hold


class Texts:
    """Texts in memory, as lines of a table.

    Args:
        texts: (N,) sound ones: see `sound`.
        names: (N,) what people know each by: "reviews.tsv:17".
    """

    thing: ClassVar[str] = "text"

    def __init__(self, texts: Sequence[str], names: Sequence[str]):
        self.texts, self.names = texts, names
        self.rows: NDArray[np.int64] = np.arange(len(texts), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> str:
        return self.texts[self.rows[row]]

    def name(self, row: int) -> str:
        return self.names[self.rows[row]]

    def path(self, row: int) -> None:
        return None

    def mark(self, row: int) -> bytes:
        return hashlib.sha256(self[row].encode("utf-8", "replace")).digest()

    def take(self, rows: Rows) -> "Texts":
        """Those rows of the same memory."""
        taken = Texts.__new__(Texts)
        taken.texts, taken.names = self.texts, self.names
        taken.rows = self.rows[np.asarray(rows, dtype=np.int64)]
        return taken


class TextFiles(InFiles):
    """Texts that are files of their own."""

    thing: ClassVar[str] = "text"

    def __getitem__(self, row: int) -> str:
        return read_text(self.path(row))

    def take(self, rows: Rows) -> "TextFiles":
        return TextFiles([self.paths[row] for row in rows], self.root)


@dataclass(frozen=True, eq=False)
class ReadTexts(Prepared):
    """A set and its texts.

    Attributes:
        texts: (N,) row for row.
    """

    texts: tuple[str, ...]


def read_texts(dataset: Dataset[Any]) -> ReadTexts:
    """Every text of a set, each read once; what cannot be read is left out with the reason.

    Raises:
        DataError: if what can be read is not enough to learn from.
    """
    found: dict[int, str] = {}
    broken: dict[int, str] = {}
    for row in track(range(len(dataset)), "read texts"):
        try:
            found[row] = dataset.inputs[row]
        except InputError as error:
            broken[row] = str(error)
    dataset, rows = narrowed(dataset, broken)
    return ReadTexts(dataset, tuple(found[row] for row in rows.tolist()))


def read_text(path: str | os.PathLike[str]) -> str:
    """The one text in a file.

    Raises:
        InputError: if it cannot be read, or holds no text; the reason, without the path.
    """
    try:
        data = read_bytes(path, limit=LARGEST)
    except UserError as error:
        reason = str(error).removeprefix(f"cannot read {os.fspath(path)}: ")
        raise InputError(reason.removeprefix(f"{os.fspath(path)} ")) from error
    if not data:
        raise InputError("empty file")
    return decoded_text(data)


def decoded_text(data: bytes) -> str:
    """The text that bytes are, in UTF-8, UTF-16 with its mark, or an 8-bit encoding.

    Raises:
        InputError: with the reason, if they are none.
    """
    if not data.strip():
        raise InputError("empty text")
    return sound(text_of(data)[0])


def sound(text: str) -> str:
    """The text without blanks at its ends, control characters and what colors a terminal.

    Raises:
        InputError: with the reason, if there is nothing to read in it.
    """
    if "\x1b" in text:
        text = ESCAPES.sub(" ", text)
    text = text.strip().strip("\ufeff")
    if not text:
        raise InputError("empty text")
    if not text.isascii() and (half := HALF.search(text)):
        raise InputError(f"half of a character (\\u{ord(half[0]):x}); send the whole one, in UTF-8")
    control = len(CONTROL.findall(text, 0, 2**16))
    if control >= FEW and control > GARBAGE * min(len(text), 2**16):
        raise InputError("binary data, not text")
    words = text.count(" ") + 1 if len(text) > MOST_WORDS else 0
    if words > MOST_WORDS and (words := len(text.split())) > MOST_WORDS:
        raise InputError(f"{words:,} words, and at most {MOST_WORDS:,} are read; cut it up")
    return CONTROL.sub(" ", text)
