"""A question and a picture as a predictor takes them, and what a person names for `predict`."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate import images as pictures
from striate.data.places import Missed
from striate.data.question_files import is_there, located, table_rows
from striate.data.questions import sound_question
from striate.data.texts import decoded_text
from striate.errors import DataError, InputError, UserError
from striate.images import SUFFIXES
from striate.inference.preprocessing import Preprocessing
from striate.inference.reading import Named
from striate.inference.walking import Given, files_of
from striate.tasks.pictures.predictor import viewed
from striate.texts import Tokenizer

TABLES = (".tsv", ".csv")
QUESTION = "question"
NEEDED = (
    'give --question, as in: striate predict MODEL photo.jpg --question "what is on the table?"'
)


class Prepared(NamedTuple):
    """A question as it was asked, its words, and the picture's pixels where they are looked at."""

    question: str
    words: tuple[str, ...]
    pixels: NDArray[np.uint8] | None


def prepared(item: Any, tokenizer: Tokenizer, preprocessing: Preprocessing | None) -> Prepared:
    """What a predictor takes of a picture and a question.

    Args:
        item: (picture, question): a path, the bytes of a file, pixels, or why there is none; a
            str or bytes.
        preprocessing: of the picture; None where it is not looked at.

    Raises:
        InputError: if it is no such pair, or one of the two cannot be read.
    """
    picture, question, words = parted(item, tokenizer)
    return Prepared(question, words, _seen(picture, preprocessing))


def parted(item: Any, tokenizer: Tokenizer) -> tuple[Any, str, tuple[str, ...]]:
    """Of a picture and a question the picture, as it was given, the question, and its words.

    Raises:
        InputError: if it is no such pair, or the question cannot be read.
    """
    if not isinstance(item, tuple) or len(item) != 2:
        raise InputError("a picture and a question are needed: (picture, question)")
    picture, question = item
    if isinstance(picture, Missed):
        raise InputError(picture.reason)
    if isinstance(question, bytes):
        question = decoded_text(question) if question.strip() else ""
    if not isinstance(question, str):
        raise InputError(f"a question is a str or bytes, not {type(question).__name__}")
    question = sound_question(question)
    return picture, question, words_of(question, tokenizer)


def words_of(question: str, tokenizer: Tokenizer) -> tuple[str, ...]:
    """The words of a question, never none: one in a script that the tokenizer passes over is of
    unknown words.

    >>> words_of("何 ?", Tokenizer()), words_of("何 ですか", Tokenizer())
    (('?',), ('何', 'ですか'))
    """
    return tuple(tokenizer(question) or question.lower().split())


def _seen(picture: Any, preprocessing: Preprocessing | None) -> NDArray[np.uint8] | None:
    """The picture in the view that is looked at; who does not look sees only that it is there."""
    if isinstance(picture, str | os.PathLike):
        picture = pictures.load(picture)
    if preprocessing is None:
        return None
    return viewed(picture, preprocessing.view)


def given(places: Sequence[str], question: str | None) -> Given:
    """What is asked about: one question about every picture, or tables of images and questions.

    Raises:
        UserError: if there is no picture, or no question.
    """
    tables = [place for place in places if place.lower().endswith(TABLES)]
    if tables and len(tables) == len(places):
        if question is not None:
            raise UserError("--question: a table has its own questions; leave it out")
        named = [one for place in tables for one in _of_table(Path(place))]
        return Given(len(named), named)
    if question is None:
        raise UserError(NEEDED)
    try:
        question = sound_question(question)
    except InputError as error:
        raise UserError(f"--question: {error}") from error
    found = files_of(places, SUFFIXES)
    return Given(found.count, _about(found, question))


def _about(found: Given, question: str) -> Iterator[Named]:
    """The same question about every file."""
    for path in found.items:
        assert isinstance(path, str)
        yield Named(path, (path, question))


def _of_table(path: Path) -> list[Named]:
    """The lines of a table; those that cannot be asked are named when they are read."""
    try:
        table = table_rows(path, answered=False)
    except DataError as error:
        raise UserError(str(error)) from error
    found = [_missed(one.name, one.reason) for one in table.left_out]
    places = located(path.parent, (row.image for row in table.rows))
    for row in table.rows:
        place, own = places[row.image], path.parent / row.image
        if isinstance(place, str):
            found.append(Named(place, (path.parent / place, row.question)))
        elif not row.image:
            found.append(_missed(row.name, "names no image"))
        elif is_there(own):  # who asks may name a picture anywhere
            found.append(Named(row.image, (own, row.question)))
        else:
            found.append(_missed(row.image, place.reason))
    return found


def _missed(name: str, reason: str) -> Named:
    """What cannot be asked about, to be told with its reason."""
    item: Any = (Missed(reason), "")
    return Named(name, item)
