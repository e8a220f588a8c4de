"""PNG files with texts and profiles of megabytes are sound."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from striate.images import decode
from striate.images.chunks import readable

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
NOISE = np.random.default_rng(0).integers(0, 60, 1_500_000, dtype=np.uint8).tobytes()
PACKED = zlib.compress(NOISE.hex().encode(), 1)


def png(**options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG", **options)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


LARGE = {
    "profile": chunk(b"iCCP", b"big\0\0" + zlib.compress(NOISE, 1)),
    "packed text": chunk(b"zTXt", b"workflow\0\0" + PACKED),
    "bomb": chunk(b"zTXt", b"workflow\0\0" + zlib.compress(bytes(2**26), 1)),
    "packed international": chunk(b"iTXt", b"w\0\1\0\0\0" + PACKED),
    "international": chunk(b"iTXt", b"workflow\0\0\0\0\0" + NOISE.hex().encode()),
    "plain text": chunk(b"tEXt", b"workflow\0" + NOISE.hex().encode()),
}


@pytest.mark.parametrize("kind", LARGE)
@pytest.mark.parametrize("place", ["first", "last"])
def test_large_chunks_are_passed_over(kind: str, place: str) -> None:
    data = png()
    at = 33 if place == "first" or kind == "profile" else len(data) - 12  # after IHDR; before IEND
    np.testing.assert_array_equal(decode(data[:at] + LARGE[kind] + data[at:]), PIXELS)


def test_a_profile_that_is_too_long_for_pillow_is_used() -> None:
    """A plain profile, made long by what follows its table."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(profile)
    places = [profile.index(name, 128) for name in (b"rXYZ", b"bXYZ")]
    red, blue = (profile[place + 4 : place + 12] for place in places)
    swapped[places[0] + 4 : places[0] + 12], swapped[places[1] + 4 : places[1] + 12] = blue, red
    long = bytearray(bytes(swapped) + bytes(2**21))
    long[:4] = len(long).to_bytes(4, "big")
    data = png()
    packed = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(long)))
    expected = decode(png(icc_profile=bytes(swapped)))
    assert not np.array_equal(expected, PIXELS)
    np.testing.assert_array_equal(decode(data[:33] + packed + data[33:]), expected)


def test_others_come_back_as_they_are() -> None:
    for data in (b"", b"GIF89a", png(), png()[:50]):
        assert readable(data) == (data, None)
