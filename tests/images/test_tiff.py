"""TIFF files that are sound and not pictures are named by what they hold."""

import struct

import numpy as np
import pytest

from striate.errors import ImageError
from striate.images import decode
from striate.images.tiff import described


def tiff(values: np.ndarray, kind: int, *, big: bool = False) -> bytes:
    """A plain TIFF of bands (H, W, B); `kind` is the format: 1 unsigned, 2 signed, 3 real."""
    order, mark = (">", b"MM\0*") if big else ("<", b"II*\0")
    height, width, bands = values.shape
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    wide = b"".join(
        struct.pack(f"{order}{bands}H", *[number] * bands)
        for number in (8 * values.dtype.itemsize, kind)
    )
    start = 8 + 2 + 12 * 10 + 4
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, bands, start),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, start + len(wide)),
        (277, 3, 1, bands),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
        (339, 3, bands, start + 2 * bands),
    ]
    table = struct.pack(f"{order}H", len(entries))
    for tag, form, count, value in entries:
        packed = struct.pack(f"{order}I", value)
        if form == 3 and count <= 2:
            number = (
                value
                if count == 1 and tag not in (258, 339)
                else (8 * values.dtype.itemsize if tag == 258 else kind)
            )
            packed = struct.pack(f"{order}2H", number, number if count == 2 else 0)
        table += struct.pack(f"{order}HHI", tag, form, count) + packed
    return mark + struct.pack(f"{order}I", 8) + table + bytes(4) + wide + data


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(
    ("bands", "dtype", "kind", "words"),
    [
        (13, "u2", 1, "a TIFF of 13 bands of 16 bits"),
        (8, "u1", 1, "a TIFF of 8 bands of 8 bits"),
        (3, "f4", 3, "a TIFF of 3 bands of 32 floating point bits"),
        (1, "f8", 3, "a TIFF of 64 floating point bits"),
        (3, "i2", 2, "a TIFF of 3 bands of 16 signed bits"),
    ],
)
def test_what_is_not_shown_is_named(
    bands: int, dtype: str, kind: int, words: str, big: bool
) -> None:
    data = tiff(np.ones((6, 7, bands), dtype), kind, big=big)
    with pytest.raises(ImageError, match=words) as caught:
        decode(data)
    assert "broken" not in str(caught.value)


def test_signed_numbers_of_16_bits_are_read_where_none_is_negative() -> None:
    values = np.arange(0, 42 * 97, 97, dtype=np.int16).reshape(6, 7, 1)
    np.testing.assert_array_equal(decode(tiff(values, 2))[..., 0], values[..., 0] >> 4)


def test_usual_ones_and_garbage_have_no_description() -> None:
    assert described(tiff(np.ones((6, 7, 1), "u1"), 1)) is None
    for length in range(0, 140, 7):
        described(tiff(np.ones((6, 7, 13), "u2"), 1)[:length])
    assert described(b"II*\0\xff\xff\xff\xff") is None
