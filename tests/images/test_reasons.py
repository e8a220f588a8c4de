"""Every way of being broken has its reason."""

import io

import numpy as np
import pytest
from PIL import Image

from striate.errors import ImageError
from striate.images import decode


def encode(picture: Image.Image | np.ndarray, form: str, **options) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def noise(height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png_header(width: int, height: int) -> bytes:
    data = bytearray(encode(Image.new("L", (1, 1)), "PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = __import__("zlib").crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"these are no pixels\n", "not an image (a text file?)"),
        (b"BMW and Porsche", "not an image (a text file?)"),
        (b"<html><body>404</body></html>", "not an image (a text file?)"),
        (b"<?xml version='1.0'?><svg></svg>", "SVG has no pixels; save it as PNG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC cannot be read here; save it as JPEG"),
        (b"%PDF-1.4 ...", "a PDF, not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript, not an image;"),
        (b"PK\x03\x04....", "a zip archive, not an image"),
        (b"\x01\x02\x03" * 40, "not an image that can be read"),
        (encode(noise(), "JPEG")[:1000], "truncated: the JPEG ends after 1,000 bytes"),
        (encode(noise(), "PNG")[:1000], "truncated: the PNG ends after 1,000 bytes"),
        (encode(noise(), "WEBP")[:1000], "truncated: the WebP ends after 1,000 bytes"),
        (encode(noise(), "TIFF")[:1000], "truncated: the TIFF ends after 1,000 bytes"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 50, "broken JPEG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "broken PNG"),
        (png_header(60_000, 60_000), "more pixels than the limit of 178,956,970"),
        (png_header(10_000, 10_000), "more pixels than the limit of 89,478,485: 10,000 x 10,000"),
    ],
)  # fmt: skip
def test_every_broken_file_has_its_reason(data: bytes, reason: str):
    with pytest.raises(ImageError) as caught:
        decode(data)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
