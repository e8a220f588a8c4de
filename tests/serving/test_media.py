"""What a file is, by its first bytes; and the checks that come before decoding it."""

from dataclasses import replace

import pytest

from striate.serving import Limits
from striate.serving.media import check, container_of, kind_of
from striate.serving.refusals import Unanswered


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_pictures(jpeg, kind):
    data = jpeg(format=kind)
    assert kind_of(data) == "image"
    check(data, Limits())


@pytest.mark.parametrize(
    ("start", "container"),
    [
        (b"\0\0\0\x20ftypisom", "mov"),
        (b"\0\0\0\x14ftypqt  ", "mov"),
        (b"\x1aE\xdf\xa3\x9fB\x86\x81", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"\0\0\0\x20ftypheic", None),
        (b"\0\0\0\x20ftypavif", None),
        (b"#EXTM3U\n", None),
        (b"", None),
    ],
)
def test_containers(start, container):
    assert container_of(start) == container
    assert (kind_of(start) == "video") == (container is not None)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file"),
        (b"\0\0\0\x20ftypisom", "a video, not an image"),
        (b"\0\0\0\x20ftypheic", "HEIC cannot be read here; save it as JPEG"),
        (b"%PDF-1.7", "a PDF, not an image"),
        (b"II*\0rest", "save it as JPEG, PNG, WebP, GIF, BMP or AVIF"),
        (b"<svg></svg>", "SVG has no pixels; save it as PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(600), "broken JPEG"),
    ],
)
def test_why_not(data, words):
    with pytest.raises(Unanswered) as error:
        check(data, Limits())
    assert error.value.code.number == 30101
    assert error.value.details.startswith(words)


def test_pixels_are_counted_before_they_are_decoded(jpeg):
    data = jpeg(size=(60, 40))
    check(data, replace(Limits(), pixels=2400))
    with pytest.raises(Unanswered, match="2,399 pixels"):
        check(data, replace(Limits(), pixels=2399))
