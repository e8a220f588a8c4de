"""PNG files without the texts and profiles for which Pillow would refuse them."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LIMIT = 2**20  # bytes of a text or profile that Pillow takes
SMALL = LIMIT // 1032  # no fewer compressed bytes unpack to more than LIMIT
MOST = 2**24  # bytes of a profile that is used
TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def readable(data: bytes) -> tuple[bytes, bytes | None]:
    """The bytes of a PNG without long texts, and its color profile where that is too long, too.

    A workflow or a printer's profile of some megabytes says nothing of whether a picture is sound.
    What is no PNG comes back as it is.
    """
    if not data.startswith(SIGNATURE):
        return data, None
    drop: list[tuple[int, int]] = []
    profile = None
    place, texts = len(SIGNATURE), 0
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        kind, end = data[place + 4 : place + 8], place + 12 + length
        if kind in TEXTS:
            texts += length
            if length > SMALL if kind != b"tEXt" else length > LIMIT or texts > 32 * LIMIT:
                drop.append((place, end))
        elif kind == b"iCCP" and length > SMALL:
            unpacked = _profile(data[place + 8 : end - 4])
            if unpacked is None or len(unpacked) > LIMIT:
                drop.append((place, end))
                profile = unpacked
        place = end
    if not drop:
        return data, None
    parts, start = [], 0
    for first, end in drop:
        parts.append(data[start:first])
        start = end
    return b"".join([*parts, data[start:]]), profile


def _profile(chunk: bytes) -> bytes | None:
    """The profile in a chunk; None where it is broken or too long to be of use."""
    _, _, packed = chunk.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(packed[1:], MOST)
    except zlib.error:
        return None
    return unpacked if unpacker.eof else None
