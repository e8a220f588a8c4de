"""One row of a file of predictions, on its way from whoever computes it."""

import json
from collections.abc import Generator, Iterable
from itertools import chain
from typing import NamedTuple

from striate.inference.reading import Named, ahead, batches
from striate.plain import plain
from striate.recognizer import Recognizer
from striate.tasks.contract import Prediction


class Row(NamedTuple):
    """What is known of one input.

    Attributes:
        name: of the input.
        line: its prediction as JSON.
        readable: whether the input could be read.
    """

    name: str
    line: str
    readable: bool


def row_of(prediction: Prediction, top: int | None) -> Row:
    """A prediction as a row, with `top` entries at most."""
    line = json.dumps(plain(prediction.to_json(top=top)), allow_nan=False)
    return Row(prediction.name, line, prediction.error is None)


def local(
    recognizer: Recognizer, inputs: Iterable[Named], size: int, top: int | None
) -> Generator[Row, None, None]:
    """Rows of inputs, in order, computed in this process in batches of `size`.

    One thread has inputs drawn and prepared, one does nothing but compute; the caller's writes.
    """
    prepared = ahead(batches(inputs, recognizer.predictor.prepare, size), 1)
    answers = ahead(recognizer.answers(prepared))
    for prediction in chain.from_iterable(map(recognizer.worded, answers)):
        yield row_of(prediction, top)
