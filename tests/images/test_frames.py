"""Sizes of upright pictures from their first bytes, beside what decoding gives."""

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from striate.errors import ImageError
from striate.images import decoding, frames, read
from striate.images.frames import frame_of, is_deep

FORMS = ("JPEG", "PNG", "TIFF", "WEBP", "MPO", "GIF", "BMP")


def exif_of(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_the_size_of_the_decoded_picture(tmp_path: Path, form: str, orientation: int) -> None:
    path = tmp_path / "a"
    options = {} if form in ("GIF", "BMP") else {"exif": exif_of(orientation)}
    Image.new("RGB", (30, 20), "red").save(path, form, **options)
    found = frame_of(path)
    assert found[:2] == read(path, at_least=None).shape[:2]
    assert found.stored == (20, 30)
    assert found.orientation == (orientation if options else 1)
    assert found == decoding.frame(path.read_bytes())


def test_jpeg_and_png_need_no_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "frame", lambda data: pytest.fail("asked Pillow"))
    for name, options in (("a.jpg", {"exif": exif_of(6)}), ("b.png", {})):
        Image.new("RGB", (30, 20)).save(tmp_path / name, **options)
    assert frame_of(tmp_path / "a.jpg")[:2] == (30, 20)
    assert frame_of(tmp_path / "b.png")[:2] == (20, 30)


def test_segments_beyond_the_first_bytes(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (30, 20)).save(stream, "JPEG", exif=exif_of(6))
    data = stream.getvalue()
    comment = b"\xff\xfe" + struct.pack(">H", 60_000) + bytes(59_998)
    (tmp_path / "a.jpg").write_bytes(data[:2] + comment + comment + data[2:])
    assert frame_of(tmp_path / "a.jpg")[:2] == (30, 20)


def test_what_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "text.jpg").write_text("hello")
    for name, words in (
        ("pipe.jpg", "is not a regular file"),
        ("no.jpg", "No such"),
        ("text.jpg", "text"),
    ):
        with pytest.raises(ImageError, match=words):
            frame_of(tmp_path / name)


@given(
    st.sampled_from(["JPEG", "PNG"]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 255)), max_size=4),
)
def test_damaged_headers_are_as_pillow_reads_them_or_refused(form: str, flips: list) -> None:
    import tempfile

    stream = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(stream, form, exif=exif_of(6))
    data = bytearray(stream.getvalue())
    for place, change in flips:
        data[place % len(data)] ^= change
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        try:
            found = frame_of(file.name)
        except ImageError:
            return
        try:
            pixels = read(file.name, at_least=None)
        except ImageError:
            return
        assert found[:2] == pixels.shape[:2]


def test_more_than_8_bits(tmp_path: Path) -> None:
    values = np.zeros((4, 4), np.uint16)
    for name, image in (("a.png", values), ("b.tif", values), ("c.tif", values.astype(np.float32))):
        Image.fromarray(image).save(tmp_path / name)
        assert is_deep(tmp_path / name)
    for name in ("d.png", "e.jpg", "f.tif"):
        Image.new("L", (4, 4)).save(tmp_path / name)
        assert not is_deep(tmp_path / name)
    assert not is_deep(tmp_path / "absent.png")


def test_real_photographs(shared) -> None:
    for path in sorted(shared("data/photos").glob("*.jpg")):
        assert frame_of(path)[:2] == read(path, at_least=None).shape[:2]
