"""What a person names for `predict`: files, folders, and lines of files or of standard input."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from striate.data.texts import SUFFIXES, decoded_text
from striate.errors import InputError, UserError
from striate.files import open_regular
from striate.inference.reading import Named
from striate.inference.walking import Given, expanded, walk

LONGEST = 2**24  # bytes of a line; the rest of a longer one is passed over
STANDARD = "-"


def given(places: Sequence[str], *, lines: bool) -> Given:
    """The texts of these places.

    Args:
        places: files and folders; "-" is standard input, each line of it a text.
        lines: whether each line of a file is a text, too; else a file is one.

    Raises:
        UserError: if there is none.
    """
    if STANDARD in places:
        if len(places) > 1:
            raise UserError("-: standard input stands alone; leave out the other places")
        return Given(None, _lines("-", sys.stdin.buffer))
    found = list(walk(expanded(places), SUFFIXES))
    if not found:
        raise UserError(f"{', '.join(places)}: no .txt file to read there")
    if not lines:
        return Given(len(found), map(Path, found))
    return Given(None, (line for place in found for line in _lines_of(place)))


def _lines_of(place: str) -> Iterator[Named]:
    try:
        with open_regular(place) as file:
            yield from _lines(place, file)
    except OSError as error:
        raise UserError(f"{place}: cannot be read: {error.strerror or error}") from error


def _lines(name: str, file: BinaryIO) -> Iterator[Named]:
    """Every line that holds anything, in its encoding; others are not numbered away."""
    number = 0
    while line := file.readline(LONGEST):
        number += 1
        rest = line
        while rest and not rest.endswith(b"\n"):  # of a line that is too long
            rest = file.readline(LONGEST)
        if line.strip():
            yield Named(f"{name}:{number}", _text(line))


def _text(line: bytes) -> str | bytes:
    """The text of a line; bytes that are none are refused later, by name."""
    try:
        return decoded_text(line)
    except InputError:
        return line
