"""How large a picture is when it stands upright, from the first bytes of its file.

Labels are compared with the pictures they belong to, all of them, so it must cost microseconds:
JPEG and PNG are read here. What is unusual in them, and every other format, is left to Pillow.
"""

import os
from typing import BinaryIO

from striate.errors import ImageError
from striate.files import open_regular
from striate.images.chunks import SIGNATURE
from striate.images.decoding import Frame, frame, load, mode_of, unread, upright

START = 4096  # bytes that are read at once: of most JPEGs, all that is asked
SEGMENTS = 500
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/"
ORIENTATION, SHORT = 0x0112, 3
# Of PNG: chunks in which an orientation can stand.
ORIENTING = (b"eXIf", b"iTXt", b"tEXt", b"zTXt")

DEEP = (b"II", b"MM", b"P5", b"\0\0\0\x0cjP")  # TIFF, PGM, JPEG 2000

Found = tuple[int, int, int]  # width, height, orientation


def frame_of(path: str | os.PathLike[str]) -> Frame:
    """The frame of the picture in a file; its pixels are not read.

    Raises:
        ImageError: if it is no picture, as far as its first bytes tell; the text is the reason.
    """
    try:
        with open_regular(path) as file:
            start = file.read(START)
            jpeg = start.startswith(b"\xff\xd8")
            if jpeg:
                found = _jpeg(file, start)
            else:
                found = _png(file) if start.startswith(SIGNATURE) else None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise ImageError(unread(error)) from error
    return frame(load(path)) if found is None else upright(*found, jpeg=jpeg)


def _jpeg(file: BinaryIO, start: bytes) -> Found | None:
    """From the segments before the first scan (ITU-T T.81, Annex B); None for what is unusual."""
    orientation, place, size = 1, 2, os.fstat(file.fileno()).st_size

    def at(first: int, count: int) -> bytes:
        if first + count <= len(start):
            return start[first : first + count]
        file.seek(first)
        return file.read(count)

    for _ in range(SEGMENTS):
        marker = at(place, 4)
        if len(marker) < 4 or marker[0] != 0xFF or place > size:
            return None
        kind, length = marker[1], int.from_bytes(marker[2:], "big")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            numbers = at(place + 5, 4)
            height, width = int.from_bytes(numbers[:2], "big"), int.from_bytes(numbers[2:], "big")
            return (width, height, orientation) if width and height else None
        if kind == 0xE1:
            data = at(place + 4, length - 2)
            if data.startswith(XMP):  # where an orientation can stand, too
                return None
            if data.startswith(EXIF):
                found = _orientation(data[len(EXIF) :])
                if found is None:
                    return None
                orientation = found
        place += 2 + length
    return None


def _orientation(exif: bytes) -> int | None:
    """The orientation in EXIF data, 1 where there is none; None for what is unusual."""
    order = {b"II*\0": "little", b"MM\0*": "big"}.get(exif[:4])
    if order is None:
        return None

    def number(place: int, width: int) -> int:
        return int.from_bytes(exif[place : place + width], order)  # type: ignore[arg-type]

    first = number(4, 4)
    end = first + 2 + 12 * number(first, 2)
    if first < 8 or end > len(exif):
        return None
    for entry in range(first + 2, end, 12):
        if number(entry, 2) == ORIENTATION:
            found = number(entry + 8, 2)
            plain = number(entry + 2, 2) == SHORT and number(entry + 4, 4) == 1
            return found if plain and 1 <= found <= 8 else None
    return 1


def _png(file: BinaryIO) -> Found | None:
    """From the chunks of a PNG; None where one may hold an orientation."""
    handle, place = file.fileno(), len(SIGNATURE)
    size = os.fstat(handle).st_size
    width = height = 0
    while place + 12 <= size:
        file.seek(place)
        start = file.read(16)
        length, kind = int.from_bytes(start[:4], "big"), start[4:8]
        if kind == b"IHDR":
            width, height = int.from_bytes(start[8:12], "big"), int.from_bytes(start[12:], "big")
        elif kind in ORIENTING:
            return None
        place += 12 + length
    return (width, height, 1) if width and height else None


def is_deep(path: str | os.PathLike[str]) -> bool:
    """Whether the picture in a file has more than 8 bits a pixel; not, if it cannot be read."""
    try:
        with open_regular(path) as file:
            start = file.read(32)
        if start.startswith(SIGNATURE):
            return start[24:25] == b"\x10"
        return start.startswith(DEEP) and mode_of(load(path)) in ("I", "I;16", "I;16B", "F")
    except (OSError, ValueError, ImageError):
        return False
