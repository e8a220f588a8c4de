"""Color profiles: one color has one value, whatever the space it was saved in."""

import io
import threading

import numpy as np
import pytest
from PIL import Image, ImageCms

from striate.images import decode, profiles
from striate.images.profiles import in_srgb


def matrix_profile(columns: list[tuple[float, float, float]], gamma: float) -> bytes:
    """An RGB profile of three primaries (XYZ for D50) and one gamma (ICC.1:2010, Section 8.3)."""

    def fixed(value: float) -> bytes:
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    text = b"desc\0\0\0\0" + (5).to_bytes(4, "big") + b"test\0" + bytes(78 + 1)
    power = round(gamma * 256).to_bytes(2, "big")  # a curve of one number is an exponent
    curve = b"curv\0\0\0\0" + (1).to_bytes(4, "big") + power + b"\0\0"
    tags = {b"desc": text, b"cprt": b"text\0\0\0\0none", b"wtpt": xyz((0.9642, 1.0, 0.8249))}
    tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(xyz, columns), strict=True))
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, body = b"", b""
    offset = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + (offset + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data + bytes(-len(data) % 4)
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\2\x10\0\0", b"mntrRGB XYZ ", b"acsp"
    head[68:80] = b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    whole = bytes(head) + len(tags).to_bytes(4, "big") + table + body
    return len(whole).to_bytes(4, "big") + whole[4:]


# Primaries of Adobe RGB (1998) and of sRGB, adapted to D50 by Bradford's method (B. Lindbloom).
ADOBE = matrix_profile(
    [(0.6097559, 0.3111242, 0.0194811), (0.2052401, 0.6256560, 0.0608902),
     (0.1492240, 0.0632197, 0.7448387)], 563 / 256
)  # fmt: skip
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def encode(picture: Image.Image, form: str = "PNG", **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def by_hand(value: tuple[int, int, int]) -> np.ndarray:
    """Adobe RGB (1998) to sRGB by the formulas: gamma, one 3x3 matrix for D65, gamma."""
    linear = (np.array(value) / 255) ** (563 / 256)
    matrix = [[1.39836, -0.39836, 0.0], [0.0, 1.0, 0.0], [0.0, -0.04293, 1.04293]]
    linear = (np.array(matrix) @ linear).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * srgb


@pytest.mark.parametrize(
    "color", [(100, 150, 200), (200, 100, 50), (128, 128, 128), (0, 255, 0), (255, 255, 255)]
)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_adobe_rgb_by_hand(color, form):
    lossless = {"lossless": True} if form == "WEBP" else {"quality": 100, "subsampling": 0}
    options = {} if form in ("PNG", "TIFF") else lossless
    data = encode(Image.new("RGB", (8, 8), color), form, icc_profile=ADOBE, **options)
    np.testing.assert_allclose(decode(data)[4, 4], by_hand(color), atol=3 if form == "JPEG" else 2)


def test_alpha_and_palettes_have_their_profile_too():
    color, expected = (200, 100, 50), by_hand((200, 100, 50))
    clear = encode(Image.new("RGBA", (2, 2), (*color, 255)), icc_profile=ADOBE)
    np.testing.assert_allclose(decode(clear)[0, 0], expected, atol=2)
    half = encode(Image.new("RGBA", (2, 2), (*color, 51)), icc_profile=ADOBE)
    np.testing.assert_allclose(decode(half)[0, 0], 0.2 * expected + 0.8 * 255, atol=2)
    palette = Image.new("P", (2, 2))
    palette.putpalette(color)
    data = encode(palette, icc_profile=ADOBE)
    np.testing.assert_allclose(decode(data)[0, 0], expected, atol=2)


def test_cmyk_has_its_profile_where_it_fits():
    """One of RGB in a CMYK file says nothing."""
    picture = Image.new("CMYK", (8, 8), (255, 0, 0, 0))
    plain = decode(encode(picture, "TIFF"))
    np.testing.assert_array_equal(decode(encode(picture, "TIFF", icc_profile=ADOBE)), plain)


@pytest.mark.parametrize("profile", [None, b"", b"garbage", SRGB, SRGB[:200], ADOBE[:300]])
def test_srgb_and_broken_profiles_change_nothing(profile):
    image = Image.effect_noise((8, 8), 80).convert("RGB")
    assert in_srgb(image, profile) is image


def test_pixels_of_16_bits_are_left_alone():
    values = np.full((4, 4), 40_000, np.uint16)
    data = encode(Image.fromarray(values), icc_profile=ADOBE)
    np.testing.assert_array_equal(decode(data), 40_000 >> 8)


def test_threads_share_a_transform():
    image = Image.effect_noise((256, 256), 80).convert("RGB")
    expected = np.asarray(in_srgb(image, ADOBE))
    wrong = []

    def work() -> None:
        found = [np.asarray(in_srgb(image, ADOBE)) for _ in range(10)]
        wrong.extend(each for each in found if not np.array_equal(each, expected))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_profiles_of_real_photographs(shared):
    """Of the hundred, 31 carry one; ten of them change a color, one of those is gray."""
    carried = []
    for path in sorted((shared("data/imagenet_sample") / "images").glob("*.JPEG")):
        with Image.open(path) as image:
            if profile := image.info.get("icc_profile"):
                carried.append((profile, image.mode))
    assert len(carried) == 31
    changing = [mode for profile, mode in carried if profiles._transform(profile, mode)]
    assert sorted(changing) == ["L", *["RGB"] * 9]
