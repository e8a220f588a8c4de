"""What an .onnx file holds, read without a runtime: its metadata, and whether it is self-contained.

Such a file is one message of protobuf: fields, each a number and its wire type, then its content,
which may be a message again. Numbers of fields below are those of onnx.proto.
"""

import math
import os
from collections.abc import Iterator
from typing import BinaryIO

GRAPH, PROPERTY, TRAINING, FUNCTION = 7, 14, 20, 25  # of a model
KEY, VALUE = 1, 2  # of a property
LONGEST = 2**24  # bytes of metadata
# Fields that lead from a graph to its tensors: for each kind of message, field to kind.
PATHS = {
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
DEEPEST = 50  # messages within messages
SIDE, TYPE, EXTERNAL, LOCATION = 1, 2, 13, 14  # of a tensor
WEIGHTS = {1, 2, 3, 10, 11, 16}  # types of weights, exact or rounded; others hold sizes and indices


def properties(file: BinaryIO) -> dict[str, str]:
    """The metadata of a model by key; the graph is stepped over.

    Raises:
        ValueError: if the file is not a message of protobuf.
    """
    found = {}
    for number, content in fields(file, whole(file)):
        if number == PROPERTY and isinstance(content, range):
            if len(content) > LONGEST:
                raise ValueError(f"it has {len(content):,} bytes of metadata")
            parts = dict(fields(file, content))
            found[text(file, parts.get(KEY))] = text(file, parts.get(VALUE))
    return found


def parameters(file: BinaryIO) -> int:
    """How many weights the tensors of a model hold.

    Raises:
        ValueError: if some of them lie in other files, or if the model is more than a graph.
    """
    count = 0
    for number, content in fields(file, whole(file)):
        if number in (TRAINING, FUNCTION):
            raise ValueError("it holds more than a graph")
        if number == GRAPH and isinstance(content, range):
            count += _numbers(file, content, "graph", 0)
    return count


def _numbers(file: BinaryIO, message: range, kind: str, depth: int) -> int:
    """In a message of that kind and in all below it."""
    if kind == "tensor":
        return _size(file, message)
    if depth > DEEPEST:
        raise ValueError("its graphs are nested too deep")
    return sum(
        _numbers(file, content, PATHS[kind][number], depth + 1)
        for number, content in fields(file, message)
        if number in PATHS[kind] and isinstance(content, range)
    )


def _size(file: BinaryIO, tensor: range) -> int:
    """How many weights a tensor holds."""
    sides: list[int] = []
    kind: object = None
    for number, content in fields(file, tensor):
        if number == EXTERNAL or (number == LOCATION and content != 0):
            raise ValueError("it keeps weights in other files")
        if number == TYPE:
            kind = content
        elif number == SIDE and isinstance(content, int):
            sides.append(content)
        elif number == SIDE and isinstance(content, range):  # packed, as some writers do
            file.seek(content.start)
            while file.tell() < content.stop:
                sides.append(varint(file))
    return math.prod(sides) if kind in WEIGHTS else 0


def whole(file: BinaryIO) -> range:
    """Where the message lies that is all of a file."""
    return range(file.seek(0, os.SEEK_END))


def fields(file: BinaryIO, message: range) -> Iterator[tuple[int, int | range | None]]:
    """The fields of a message in order: their numbers, and a whole number or where their bytes lie.

    Raises:
        ValueError: if it is not a message of protobuf.
    """
    place = message.start
    while place < message.stop:
        file.seek(place)
        tag = varint(file)
        number, wire = tag >> 3, tag & 7
        content: int | range | None = None
        if wire == 0:
            content = varint(file)
            place = file.tell()
        elif wire == 2:
            length = varint(file)
            content = range(file.tell(), file.tell() + length)
            place = content.stop
        elif wire in {1, 5}:
            place = file.tell() + (8 if wire == 1 else 4)
        else:
            raise ValueError(f"it has a field of wire type {wire}")
        if place > message.stop:
            raise ValueError("it ends within a field")
        yield number, content


def varint(file: BinaryIO) -> int:
    """A whole number, seven bits a byte, the lowest first."""
    value = 0
    for place in range(10):
        byte = file.read(1)
        if not byte:
            raise ValueError("it ends within a number")
        value |= (byte[0] & 127) << (7 * place)
        if byte[0] < 128:
            return value
    raise ValueError("it has a number of more than ten bytes")


def text(file: BinaryIO, place: int | range | None) -> str:
    """The text that lies there."""
    if not isinstance(place, range):
        raise ValueError("its metadata are not text")
    file.seek(place.start)
    return file.read(len(place)).decode()
