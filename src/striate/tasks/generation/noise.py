"""Vectors that people give: numbers in a file or a text, and perhaps a class."""

import io
import json
import math
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from striate.data.markup import text_of
from striate.errors import InputError, UserError, one_line
from striate.files import read_bytes
from striate.tasks.contract import Input

SUFFIXES = frozenset((".npy", ".csv", ".txt", ".json"))
LARGEST = 2**20  # bytes of a vector
LIMIT = 1e6  # of a number: far beyond anything that is drawn
NUMPY = b"\x93NUMPY"
FORM = 'numbers with commas or blanks between them, a JSON list, or {"noise": [...], "class": ...}'


class Noise(NamedTuple):
    """A vector (Z,) float32, and the number of a class; None where none is given."""

    vector: NDArray[np.float32]
    label: int | None = None


def read(item: Input, length: int, classes: Sequence[str]) -> Noise:
    """A vector of that length: the path of a file, its bytes, or an array.

    Args:
        classes: names that may be asked for; where there are some, one has to be.

    Raises:
        InputError: if it is none; the text is the reason.
    """
    if isinstance(item, str | os.PathLike):
        try:
            item = read_bytes(item, limit=LARGEST)
        except UserError as error:
            raise InputError(str(error)) from error
    values, label = _told(item) if isinstance(item, bytes) else (item, None)
    try:
        vector = np.asarray(values, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"not numbers; expected {FORM}") from error
    if vector.ndim == 2 and 1 in vector.shape:
        vector = vector.reshape(-1)
    if vector.ndim != 1 or len(vector) != length:
        told = " x ".join(map(str, vector.shape)) or "1"
        numbers = "number" if told == "1" else "numbers"
        raise InputError(f"{told} {numbers}; this generator takes {length}")
    if not (np.abs(vector) <= LIMIT).all():  # nan fails, too
        raise InputError(f"holds numbers that are not from -{LIMIT:g} to {LIMIT:g}")
    return Noise(vector.astype(np.float32), number_of(label, classes))


def number_of(label: Any, classes: Sequence[str]) -> int | None:
    """The number of a class by its name.

    Raises:
        InputError: if there is none, or none is named where there are some.
    """
    if label is None:
        if classes:
            raise InputError(
                'names no class; give {"noise": [...], "class": "NAME"} with one of '
                f"{one_line(', '.join(classes), 120)}"
            )
        return None
    if not classes:
        raise InputError("names a class, and this generator knows none")
    if str(label) not in classes:
        known = one_line(", ".join(classes), 120)
        raise InputError(f"{one_line(repr(str(label)), 40)} is none of its classes: {known}")
    return list(classes).index(str(label))


def _told(data: bytes) -> tuple[Any, Any]:
    """The numbers and the class in a file."""
    if data.startswith(NUMPY):
        return _array(data), None
    text = text_of(data)[0].strip()
    if text.startswith(("[", "{")):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"not JSON: {one_line(error, 80)}") from error
        if isinstance(found, dict):
            if "noise" not in found:
                raise InputError(f'names no "noise"; expected {FORM}')
            return found["noise"], found.get("class")
        return found, None
    pieces = re.split(r"[\s,;]+", text) if text else []
    try:
        return [float(piece) for piece in pieces if piece], None
    except ValueError as error:
        raise InputError(f"not numbers; expected {FORM}") from error


def _array(data: bytes) -> NDArray[Any]:
    """The array of an .npy file, whose header is looked at before memory is taken; no pickle."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        heads = {(1, 0): np.lib.format.read_array_header_1_0,
                 (2, 0): np.lib.format.read_array_header_2_0}  # fmt: skip
        shape, _, kind = heads[version](file)
        if kind.kind not in "fiu" or math.prod(shape) * kind.itemsize > len(data):
            raise ValueError(f"{kind} of shape {shape} in {len(data)} bytes")
        file.seek(0)
        return np.asarray(np.load(file, allow_pickle=False))
    except (ValueError, KeyError, EOFError, TypeError, SyntaxError) as error:
        raise InputError(f"not an .npy file of numbers: {one_line(error, 80)}") from error
