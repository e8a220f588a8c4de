"""How much sound a header claims, where libsndfile takes what is there without a word."""

from typing import Literal

STREAMED = 2**31 - 2**16  # bytes from which on a length is what writes who does not know it
CHUNK = 8  # bytes of the name and the length of a chunk


def claimed(data: bytes) -> tuple[int, int] | None:
    """The bytes of samples that the header of a WAV, AIFF or AU file claims, and those behind it.

    None for other files, and where the header claims nothing: programs that write into a pipe leave
    a length of 0 or the largest there is.
    """
    found: tuple[int, int] | None = None
    if data[:4] == b".snd" and len(data) >= 12:
        found = int.from_bytes(data[8:12], "big"), len(data) - int.from_bytes(data[4:8], "big")
    elif data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        found = _chunk(data, b"data", "little")
    elif data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        found = _chunk(data, b"SSND", "big")
    return found if found is not None and 0 < found[0] < STREAMED else None


def _chunk(data: bytes, name: bytes, order: Literal["little", "big"]) -> tuple[int, int] | None:
    """The length that a chunk claims, and how many bytes are left for it."""
    place = 12
    while place + CHUNK <= len(data):
        length = int.from_bytes(data[place + 4 : place + CHUNK], order)
        place += CHUNK
        if data[place - CHUNK : place - 4] == name:
            return length, len(data) - place
        place += length + length % 2
    return None
