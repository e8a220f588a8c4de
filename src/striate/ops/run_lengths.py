"""Masks as lengths of runs, column by column, zeros first: the form of COCO's tools.

Compressed, each length from the third on is a difference to the one two before, and all are written
as numbers of base 32 in printable characters.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

FIRST = 48  # the character of 0
MORE, SIGN, BITS = 0x20, 0x10, 0x1F


def encoded(mask: NDArray[np.bool_]) -> list[int]:
    """The lengths of a mask (H, W).

    >>> encoded(np.array([[0, 1], [1, 1]], bool))
    [1, 3]
    """
    flat = np.asarray(mask, np.bool_).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    ends = np.concatenate([[0], changes, [flat.size]])
    lengths: list[int] = np.diff(ends).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


def decoded(lengths: Sequence[int], height: int, width: int) -> NDArray[np.bool_]:
    """The mask (height, width) of these lengths.

    Raises:
        ValueError: if they are not of a mask of that size.
    """
    counts = np.asarray(lengths, np.int64)
    if counts.ndim != 1 or (counts < 0).any() or counts.sum() != height * width:
        raise ValueError(f"run lengths are not of a mask of {width} x {height} pixels")
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(width, height).T


def to_text(lengths: Sequence[int]) -> str:
    """Lengths, compressed.

    >>> to_text([1, 3]), from_text("13")
    ('13', [1, 3])
    """
    letters = []
    for place, length in enumerate(lengths):
        rest = length - lengths[place - 2] if place > 2 else length
        more = True
        while more:
            piece = rest & BITS
            rest >>= 5
            more = rest != (-1 if piece & SIGN else 0)
            letters.append(chr(FIRST + (piece | MORE if more else piece)))
    return "".join(letters)


def from_text(text: str) -> list[int]:
    """What `to_text` compressed.

    Raises:
        ValueError: if it is no such text.
    """
    lengths: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            if place >= len(text) or not 0 <= (piece := ord(text[place]) - FIRST) < 2 * MORE:
                raise ValueError("compressed run lengths are damaged")
            value |= (piece & BITS) << shift
            more = bool(piece & MORE)
            shift += 5
            place += 1
            if shift > 60:
                raise ValueError("compressed run lengths are damaged")
        if piece & SIGN:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
    return lengths
