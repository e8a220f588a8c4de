"""One rule from bytes to pixels: every form of picture, every way of being broken."""

import io
import os
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile, ImageOps

from striate.errors import ImageError
from striate.images import View, decode, decoding, read, render

SCENE = np.zeros((20, 30, 3), np.uint8)  # red, blue above green, yellow
SCENE[:10, :15], SCENE[:10, 15:] = (200, 30, 30), (30, 30, 200)
SCENE[10:, :15], SCENE[10:, 15:] = (30, 200, 30), (220, 220, 30)


def encode(picture: Image.Image | np.ndarray, form: str, **options) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def noise(height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


# Every form of picture


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP", "PPM", "GIF"])
def test_lossless_forms_come_back_as_they_were(form: str):
    pixels = decode(encode(SCENE, form))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, SCENE)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "JPEG2000", "MPO"])
def test_lossy_forms_come_back_nearly(form: str):
    difference = np.abs(decode(encode(SCENE, form)).astype(int) - SCENE)
    assert np.median(difference) <= 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "TIFF", "MPO", "JPEG", "WEBP"])
def test_orientation_is_applied_once(form: str, orientation: int):
    """Against Pillow's own transposition, for formats that apply it while loading and others."""
    pixels = decode(encode(SCENE, form, exif=oriented(orientation)))
    stored = Image.open(io.BytesIO(encode(SCENE, "PNG", exif=oriented(orientation))))
    expected = np.asarray(ImageOps.exif_transpose(stored))
    assert pixels.shape == expected.shape
    assert np.median(np.abs(pixels.astype(int) - expected)) <= 6


EXIF = b"II*\0\x08\0\0\0\x01\0\x12\x01"  # little-endian, one entry: the orientation
WORD = EXIF + b"\x02\0\x04\0\0\0abc\0\0\0\0\0"  # four characters instead of a number
SHORT = EXIF + b"\x03\0"


@pytest.mark.parametrize("exif", [b"", b"garbage", EXIF[:8], EXIF, SHORT, WORD])
def test_broken_metadata_do_not_break_the_picture(exif: bytes):
    assert decode(encode(SCENE, "JPEG", exif=b"Exif\0\0" + exif)).shape == SCENE.shape


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM", "JPEG2000"])
def test_of_16_bits_the_upper_8_count(form: str):
    values = (np.arange(600, dtype=np.uint16) * 109).reshape(20, 30)
    pixels = decode(encode(values, form))
    np.testing.assert_array_equal(pixels, np.repeat((values >> 8)[..., None], 3, axis=2))


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_fewer_bits_in_16_are_not_black(form: str, bits: int):
    values = np.linspace(0, 2**bits - 1, 600).astype(np.uint16).reshape(20, 30)
    np.testing.assert_array_equal(decode(encode(values, form))[..., 0], values >> (bits - 8))


@pytest.mark.parametrize("kind", [np.int32, np.uint32])
def test_whole_numbers_of_32_bits(kind: type):
    values = np.linspace(0, 2**31 - 1, 600).astype(kind).reshape(20, 30)
    if kind is np.uint32:
        values = values * 2
        data = encode(values.view(np.int32), "TIFF").replace(
            b"\x53\x01\x03\0\x01\0\0\0\x02", b"\x53\x01\x03\0\x01\0\0\0\x01"
        )
    else:
        data = encode(values, "TIFF")
    np.testing.assert_array_equal(decode(data)[..., 0], values.astype(np.uint32) >> 24)


def test_negative_values_are_refused_and_not_called_broken():
    with pytest.raises(ImageError, match=r"negative pixels \(-1,024 to 3,071\)"):
        decode(encode(np.array([[-1024, 3071]], np.int32), "TIFF"))


@pytest.mark.parametrize("high", [255.0, 4095.0, 65535.0])
def test_floats_up_to_16_bits_are_read(high: float):
    values = np.linspace(0, high, 600, dtype=np.float32).reshape(20, 30)
    pixels = decode(encode(values, "TIFF"))
    assert pixels.max() == 255
    assert abs(float(pixels.mean()) - 127) < 2


def test_floats_in_0_to_1_are_scaled():
    values = np.array([[0.0, 0.5], [1.0, 0.2]], np.float32)
    np.testing.assert_array_equal(decode(encode(values, "TIFF"))[..., 0], [[0, 128], [255, 51]])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1.5, r"must be in \[0, 1\]"), (1e6, r"must be in \[0, 1\]"), (-0.1, "negative pixels"),
        (np.nan, "not finite"), (np.inf, "not finite"),
    ],
)  # fmt: skip
def test_other_floats_are_refused(value: float, words: str):
    with pytest.raises(ImageError, match=words):
        decode(encode(np.array([[0.0, value]], np.float32), "TIFF"))


def test_gray_bits_and_luminance_alpha():
    np.testing.assert_array_equal(decode(encode(Image.new("L", (2, 2), 77), "PNG")), 77)
    np.testing.assert_array_equal(decode(encode(Image.new("1", (2, 2), 1), "PNG")), 255)
    np.testing.assert_array_equal(decode(encode(Image.new("LA", (2, 2), (0, 0)), "PNG")), 255)


@pytest.mark.parametrize(("alpha", "value"), [(0, 255), (255, 51), (128, 153)])
def test_alpha_lies_over_white(alpha: int, value: int):
    """51 · 128/255 + 255 · 127/255 = 152.6."""
    data = encode(Image.new("RGBA", (2, 2), (51, 51, 51, alpha)), "PNG")
    np.testing.assert_array_equal(decode(data), value)


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_transparent_color_of_the_palette_is_white(form: str):
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 0), 1)
    pixels = decode(encode(picture, form, transparency=0))
    np.testing.assert_array_equal(pixels, [[[255, 255, 255], [200, 100, 50]]])


def test_a_transparent_color_without_palette_is_white():
    data = encode(Image.new("RGB", (2, 2), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    np.testing.assert_array_equal(decode(data), 255)


def test_cmyk_and_ycbcr_become_rgb():
    """Cyan 255 leaves no red."""
    data = encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "TIFF")
    np.testing.assert_array_equal(decode(data)[0, 0], [0, 255, 255])
    data = encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG")  # stored inverted, by Adobe
    np.testing.assert_allclose(decode(data)[0, 0], [0, 255, 255], atol=2)
    ycbcr = Image.fromarray(SCENE).convert("YCbCr")
    np.testing.assert_allclose(decode(encode(ycbcr, "TIFF")), SCENE, atol=2)


def test_lab_becomes_rgb():
    """L = 53.2, a = 80, b = 67 is red (CIE 1976); Pillow keeps 2.55 L, a + 128 and b + 128."""
    data = encode(Image.new("LAB", (2, 2), (136, 208, 195)), "TIFF")
    np.testing.assert_allclose(decode(data)[0, 0], [255, 0, 0], atol=16)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first(form: str):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    options = {"lossless": True} if form == "WEBP" else {}
    data = encode(frames[0], form, save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(decode(data)[0, 0], [255, 0, 0])


# Scaled decoding


@pytest.mark.parametrize(
    ("size", "at_least", "expected"),
    [
        ((1200, 2000), 512, (600, 1000)),  # 1200 / 2 is still 512, 1200 / 4 is not
        ((1024, 1024), 512, (512, 512)),
        ((1023, 2000), 512, (1023, 2000)),
        ((1200, 2000), 150, (150, 250)),
        ((1200, 2000), None, (1200, 2000)),
        ((30, 20), 512, (30, 20)),
    ],
)
def test_jpegs_are_decoded_at_the_smallest_scale_that_is_large_enough(size, at_least, expected):
    data = encode(Image.new("RGB", size[::-1]), "JPEG")
    assert decode(data, at_least=at_least).shape == (*expected, 3)


def test_scaled_decoding_is_for_jpeg_only_and_before_the_orientation():
    assert decode(encode(Image.new("RGB", (2000, 1200)), "PNG")).shape == (1200, 2000, 3)
    data = encode(Image.new("RGB", (2000, 1200)), "JPEG", exif=oriented(6))
    assert decode(data).shape == (1000, 600, 3)


@pytest.mark.parametrize(
    ("limit", "shape"), [(10**6, (500, 400)), (60_000, (250, 200)), (15_000, (125, 100))]
)
def test_a_jpeg_of_more_pixels_than_the_limit_is_decoded_at_a_scale(monkeypatch, limit, shape):
    monkeypatch.setattr(decoding, "MAX_PIXELS", limit)
    data = encode(Image.new("RGB", (400, 500), (9, 99, 199)), "JPEG", exif=oriented(1))
    for at_least in (None, 512):
        assert decode(data, at_least=at_least).shape == (*shape, 3)
    assert decoding.frame(data)[:2] == shape
    assert render(data, [View(64)])[0].shape == (64, 64, 3)


def test_what_cannot_be_scaled_is_refused_by_its_size(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 60_000)
    for data in (encode(noise(400, 500), "PNG"), encode(noise(400, 500), "JPEG", progressive=True)):
        with pytest.raises(ImageError, match="more pixels than the limit of 60,000: 500 x 400"):
            decode(data)


# Broken files


def png_header(width: int, height: int) -> bytes:
    data = bytearray(encode(Image.new("L", (1, 1)), "PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = __import__("zlib").crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def test_pillow_is_never_asked_to_start_ghostscript():
    assert {"EPS", "PDF", "PSD", "FITS"}.isdisjoint(decoding.FORMATS)


@pytest.mark.parametrize(
    "error", [MemoryError(), OverflowError("x"), KeyError("x"), RecursionError(), TypeError("x")]
)
def test_whatever_the_decoder_throws_becomes_our_error(monkeypatch, error: Exception):
    def fail(self):
        raise error

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ImageError) as caught:
        decode(encode(SCENE, "BMP"))
    assert caught.value.__cause__ is error


def test_reading_says_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for path, reason in [(tmp_path, "is a folder"), (tmp_path / "no.jpg", "No such file")]:
        with pytest.raises(ImageError, match=reason) as caught:
            read(path)
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(ImageError, match="cannot be read"):
        read("a\0b.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="is not a regular file"):
        read(tmp_path / "pipe.jpg")
    (tmp_path / "cat.png").write_bytes(encode(SCENE, "PNG"))
    np.testing.assert_array_equal(read(tmp_path / "cat.png"), SCENE)
    monkeypatch.setattr(decoding, "MAX_BYTES", 100)
    with pytest.raises(ImageError, match="bytes, more than the limit of 100"):
        read(tmp_path / "cat.png")


def test_a_file_without_permission(tmp_path: Path):
    if os.geteuid() == 0:
        pytest.skip("the super-user may read everything")
    path = tmp_path / "cat.png"
    path.write_bytes(encode(SCENE, "PNG"))
    path.chmod(0)
    with pytest.raises(ImageError, match="Permission denied"):
        read(path)


REAL = {
    "JPEG": encode(noise(), "JPEG", exif=oriented(6)),
    "progressive": encode(noise(), "JPEG", progressive=True),
    "PNG": encode(noise(), "PNG"),
    "palette": encode(Image.fromarray(noise()).convert("P"), "PNG"),
    "GIF": encode(noise(), "GIF"),
    "WEBP": encode(noise(), "WEBP"),
    "TIFF": encode(noise(), "TIFF"),
}


@pytest.mark.parametrize("form", REAL)
@given(data=st.data())
def test_mutated_files_are_pictures_or_refused(form: str, data: st.DataObject):
    mutated = bytearray(REAL[form])
    for _ in range(data.draw(st.integers(0, 6), "flips")):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] ^= data.draw(st.integers(1, 255))
    mutated = mutated[: data.draw(st.integers(0, len(mutated)), "length")]
    try:
        pixels = decode(bytes(mutated))
    except ImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@given(st.binary(max_size=200))
def test_garbage_is_refused(garbage: bytes):
    with pytest.raises(ImageError):
        decode(garbage)


def test_no_warning_leaks_and_the_filters_come_back():
    """Also from threads that decode at the same time, one of them something broken."""
    bomb = png_header(10_000, 10_000)  # Pillow warns at this size
    before = list(warnings.filters)

    def work() -> None:
        for _ in range(20):
            with pytest.raises(ImageError):
                decode(bomb)
            decode(REAL["PNG"])

    with warnings.catch_warnings(record=True) as leaked:
        warnings.simplefilter("always")
        inside = list(warnings.filters)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(warnings.filters) == inside
    assert leaked == []
    assert list(warnings.filters) == before


# Real material


def test_real_photographs(shared):
    folder = shared("data/photos")
    for path in sorted(folder.glob("*.jpg")):
        pixels = read(path)
        assert pixels.shape[2] == 3
        assert min(pixels.shape[:2]) < 1024
        assert pixels.std() > 20
