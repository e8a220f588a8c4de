"""The kind of an uploaded file, by its first bytes, and the checks that come before decoding it."""

from typing import Literal

from striate.errors import ImageError
from striate.images.decoding import Header, header
from striate.images.reasons import reason
from striate.serving.refusals import TOO_LARGE, UNREADABLE, Unanswered
from striate.serving.settings import Limits

Kind = Literal["image", "video", "unknown"]
PEEK = 64  # bytes that tell the kind of a file

# Formats that browsers know, each decoded by a library that browsers use, too. TIFF, JPEG 2000
# and the PNM family stay with `striate predict`, where the person chose the file.
IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM")
IMAGE_BRANDS = (b"avif", b"avis")
FOREIGN = (b"II*\0", b"MM\0*", b"\0\0\0\x0cjP", b"\xff\x4f\xff\x51", b"P4", b"P5", b"P6")
FORMATS = "JPEG, PNG, WebP, GIF, BMP or AVIF"
CONTAINERS = {  # FFmpeg's name of what a video's first bytes announce
    b"\x1aE\xdf\xa3": "matroska",
    b"RIFF": "avi",
    b"ftyp": "mov",
}
STILLS = (*IMAGE_BRANDS, b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def kind_of(start: bytes) -> Kind:
    """The kind of a file, by its first PEEK bytes.

    >>> kind_of(b"RIFF....WEBPVP8 "), kind_of(b"RIFF....AVI LIST"), kind_of(b"#EXTM3U")
    ('image', 'video', 'unknown')
    """
    if start.startswith(IMAGES) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP"):
        return "image"
    if start[4:8] == b"ftyp" and start[8:12] in IMAGE_BRANDS:
        return "image"
    return "video" if container_of(start) else "unknown"


def container_of(start: bytes) -> str | None:
    """FFmpeg's name of a video's container; None if it is not one that is read here."""
    if start[4:8] == b"ftyp":
        return None if start[8:12] in STILLS else CONTAINERS[b"ftyp"]
    if start[:4] == b"RIFF":
        return CONTAINERS[b"RIFF"] if start[8:12] == b"AVI " else None
    return CONTAINERS.get(start[:4])


def why(data: bytes) -> str:
    """Why these bytes are not one of IMAGES, in words that help."""
    if not data:
        return "empty file"
    if data.startswith(FOREIGN):
        return f"save it as {FORMATS}"
    return reason(data, ValueError())


def check(data: bytes, limits: Limits) -> Header:
    """The header of a picture, if it is not too large and of a format for strangers.

    Raises:
        Unanswered: with the reason, which repeats nothing of the picture.
    """
    if len(data) > limits.image_bytes:
        raise Unanswered(TOO_LARGE, f"a picture has at most {limits.image_bytes:,} bytes")
    kind = kind_of(data[:PEEK])
    if kind != "image":
        raise Unanswered(UNREADABLE, "a video, not an image" if kind == "video" else why(data))
    try:
        found = header(data)
    except ImageError as error:
        raise Unanswered(UNREADABLE, str(error)) from None
    if found.width * found.height > limits.pixels:
        raise Unanswered(TOO_LARGE, f"a picture has at most {limits.pixels:,} pixels")
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > limits.scans:
        raise Unanswered(TOO_LARGE, f"a JPEG has at most {limits.scans} scans")
    return found
