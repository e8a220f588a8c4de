"""Lists of inputs: a path a line, or a table or JSON lines with a column of paths."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TextIO

from striate.data.headings import HEADINGS
from striate.data.names import canonical
from striate.errors import InputError, UserError, one_line
from striate.recognizing.stores import is_address, opened

TABLES = {".csv": ",", ".tsv": "\t"}
LONGEST = 2**16  # letters of a line
SUFFIXES = frozenset((".txt", ".lst", ".jsonl", *TABLES))


def paths_in(place: str) -> Iterator[str]:
    """What a list names, in order; relative paths are relative to the list's folder.

    Raises:
        UserError: if it cannot be read, or is no list.
    """
    suffix = PurePosixPath(place).suffix.lower()
    with _text(place) as file:
        try:
            if suffix in TABLES:
                found = _of_table(place, file, TABLES[suffix])
            elif suffix == ".jsonl":
                found = _of_objects(place, file)
            else:
                found = (line.rstrip("\r\n") for line in _lines(place, file))
            for path in found:
                if path.strip():
                    yield beside(place, path)
        except (csv.Error, OSError, UnicodeError) as error:
            raise UserError(f"{place}: cannot be read: {one_line(error)}") from error


@contextmanager
def _text(place: str) -> Iterator[TextIO]:
    try:
        file = opened(place)
    except InputError as error:
        raise UserError(f"{place}: {error}") from error
    with io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="") as text:
        yield text


def _lines(place: str, file: TextIO) -> Iterator[str]:
    """The lines; one that is longer than any path is refused before memory is taken."""
    while line := file.readline(LONGEST + 1):
        if len(line) > LONGEST:
            raise UserError(f"{place}: has a line of more than {LONGEST:,} letters; is it a list?")
        yield line


def _of_table(place: str, file: TextIO, delimiter: str) -> Iterator[str]:
    rows = csv.reader(file, delimiter=delimiter)
    first = next(rows, [])
    heads = [canonical(cell) for cell in first]
    column = next((heads.index(name) for name in HEADINGS["path"] if name in heads), None)
    if column is None:
        if len(first) != 1:
            told = ", ".join(first)[:80]
            raise UserError(f"{place}: the first line names no column of paths ({told})")
        column = 0
        yield first[0]
    for row in rows:
        if len(row) > column:
            yield row[column]


def _of_objects(place: str, file: TextIO) -> Iterator[str]:
    for number, line in enumerate(_lines(place, file), 1):
        if not line.strip():
            continue
        try:
            path = json.loads(line)["path"]
        except (ValueError, KeyError, TypeError, RecursionError):
            path = None
        if not isinstance(path, str):
            raise UserError(f'{place}: line {number} is not {{"path": "..."}}')
        yield path


def beside(place: str, path: str) -> str:
    """A path as it is reached from the list.

    >>> beside("lists/new.txt", "a.jpg"), beside("s3://b/lists/new.txt", "a.jpg")
    ('lists/a.jpg', 's3://b/lists/a.jpg')
    """
    if "://" in path:
        return path
    if is_address(place):
        return f"{place.rpartition('/')[0]}/{path}"
    return str(Path(place).parent / path)
