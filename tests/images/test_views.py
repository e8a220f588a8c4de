"""Views: where each pixel of a square comes from, at whatever scale the file was decoded."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from striate.images import View, apply, decode, render, scaled, to_rgb
from striate.images.decoding import Header, decode_at
from striate.images.views import GAP


def encode(picture: Image.Image | np.ndarray, form: str, **options) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    stream = io.BytesIO()
    picture.save(stream, form, **options)
    return stream.getvalue()


def noise(height: int = 40, width: int = 50) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_view_of_its_own_size_changes_nothing():
    square = noise(32, 32)
    for view in (View(32, fraction=1.0), View(32, fit="squash"), View(32, fit="pad")):
        assert view.keeps(32, 32)
        np.testing.assert_array_equal(apply(square, view), square)
    assert not View(32).keeps(32, 32)
    assert not View(32, fit="squash").keeps(32, 33)


def test_crop_takes_the_center():
    """Of 60 x 30, fraction 1, the middle 30 columns; of 32 x 32, 28 out of 32 in the middle."""
    wide = noise(30, 60)
    np.testing.assert_array_equal(apply(wide, View(30, fraction=1.0)), wide[:, 15:45])
    square = noise(32, 32)
    np.testing.assert_array_equal(apply(square, View(28, fraction=0.875)), square[2:30, 2:30])


def test_crop_equals_resizing_the_shorter_side_and_then_cropping():
    picture = Image.fromarray(noise(100, 150)).resize((450, 300), Image.Resampling.BICUBIC)
    whole = picture.resize((96, 64), Image.Resampling.BICUBIC)  # 64 = round(56 / 0.875)
    expected = np.asarray(whole)[4:60, 20:76]
    found = apply(np.asarray(picture), View(56))
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_squash_equals_a_plain_resize():
    picture = noise(37, 91)
    expected = Image.fromarray(picture).resize((24, 24), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(apply(picture, View(24, fit="squash")), np.asarray(expected))


def test_scaled_brings_the_shorter_side_of_the_whole_picture():
    picture = noise(20, 50)
    np.testing.assert_array_equal(scaled(picture, 20), picture)
    expected = Image.fromarray(picture).resize((25, 10), Image.Resampling.BICUBIC)
    assert np.abs(scaled(picture, 10).astype(int) - np.asarray(expected)).max() <= 1
    assert scaled(picture, 10, channels=1).shape == (10, 25, 1)


def test_pad_keeps_the_shape_and_surrounds_it_with_gray():
    """20 x 10 in 10 x 10 is 10 x 5: two rows of gray above it, three below."""
    view = apply(np.full((10, 20, 3), 200, np.uint8), View(10, fit="pad"))
    np.testing.assert_array_equal(view[:, 0, 0], [128, 128, 200, 200, 200, 200, 200, 128, 128, 128])
    assert apply(np.zeros((1, 1000, 3), np.uint8), View(8, fit="pad")).shape == (8, 8, 3)


def test_shrinking_is_antialiased():
    """A fine checkerboard becomes gray, not black or white."""
    board = (np.indices((256, 256)).sum(0) % 2 * 255).astype(np.uint8)
    view = apply(to_rgb(board), View(16, fit="squash"))
    np.testing.assert_allclose(view, 127.5, atol=8)


def test_one_channel_is_luminance():
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B."""
    colors = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [9, 9, 9]]], np.uint8)
    view = apply(colors.repeat(4, axis=0), View(4, channels=1, fit="squash"))
    np.testing.assert_array_equal(view[0, :, 0], [76, 150, 29, 9])


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 24),
    st.sampled_from([1, 3]),
    st.sampled_from(["crop", "squash", "pad"]),
)
def test_any_picture_fits_any_view(height, width, size, channels, fit):
    pixels = apply(np.full((height, width, 3), 128, np.uint8), View(size, channels, fit))
    assert pixels.shape == (size, size, channels)
    assert pixels.dtype == np.uint8
    assert (pixels == 128).all()


@pytest.mark.parametrize(
    "settings", [{"size": 0}, {"channels": 2}, {"fit": "wide"}, {"fraction": 0.0}, {"fraction": 2}]
)
def test_views_that_mean_nothing_are_refused(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=name):
        View(**({"size": 8} | settings))


# Files, decoded at the scale that suffices


@pytest.mark.parametrize(
    ("view", "size", "scale"),
    [
        (View(224, fraction=1.0), (896, 1000), 2),
        (View(224, fraction=1.0), (895, 1000), 1),
        (View(224), (1024, 1200), 2),  # 256 are needed of the shorter side
        (View(224), (1023, 1200), 1),
        (View(224), (3024, 4032), 4),
        (View(32, fit="squash"), (600, 512), 8),
        (View(32, fit="squash"), (600, 511), 4),
        (View(32, fit="pad"), (100, 512), 8),  # the longer side becomes 32
        (View(32, fit="pad"), (100, 511), 4),
        (View(32, fit="squash"), (10, 10), 1),
    ],
)
def test_scales_leave_two_pixels_for_one(view, size, scale):
    assert GAP == 2
    assert view.scale(Header(*size, True)) == view.scale(Header(*size[::-1], True)) == scale
    assert view.scale(Header(*size, False)) == 1


VIEWS = [View(24), View(20, 1, "squash"), View(16, fit="pad"), View(8, fraction=0.5)]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
def test_a_file_that_needs_no_scale_is_as_its_whole_picture(form):
    data = encode(noise(60, 50), form)
    views = [View(24), View(25, 1, "squash"), View(30, fit="pad")]
    for view, found in zip(views, render(data, views), strict=True):
        np.testing.assert_array_equal(found, apply(decode(data, at_least=None), view))


def swapped_profile() -> bytes:
    """A profile whose red is sRGB's blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    red, blue = (profile.index(name, 128) for name in (b"rXYZ", b"bXYZ"))
    changed = bytearray(profile)
    changed[red + 4 : red + 12] = profile[blue + 4 : blue + 12]
    changed[blue + 4 : blue + 12] = profile[red + 4 : red + 12]
    return bytes(changed)


@pytest.mark.parametrize(
    "options",
    [{"icc_profile": swapped_profile()}, {"transparency": (0, 0, 0)}, {"exif": "turned"}],
    ids=lambda options: next(iter(options)),
)
def test_what_pillow_leaves_undone_is_done_before_a_picture_is_made_smaller(options):
    if "exif" in options:
        options = {"exif": Image.Exif()}
        options["exif"][0x0112] = 6
    pixels = noise(60, 50)
    pixels[:30] = 0
    data = encode(pixels, "PNG", **options)
    [found] = render(data, [View(24)])
    np.testing.assert_array_equal(found, apply(decode(data), View(24)))
    assert not np.array_equal(found, apply(pixels, View(24)))


def scene(height: int, width: int) -> np.ndarray:
    """Waves that an eighth of the pixels still shows."""
    y, x = np.mgrid[:height, :width] / 25.0
    waves = np.stack([np.sin(x + 0.2 * y), np.cos(0.7 * y), np.sin(x * y / 9)], -1)
    return (127.5 + 100 * waves).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size", [(411, 533), (416, 531), (415, 536)])
def test_scaled_pictures_show_the_same(size, orientation):
    """Also where a side is no multiple of the scale, and the half-filled pixels come first."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(scene(*size), "JPEG", exif=exif, quality=95)
    whole = decode(data, at_least=None)
    for view, found in zip(VIEWS, render(data, VIEWS), strict=True):
        difference = np.abs(found.astype(int) - apply(whole, view))
        assert difference.mean() < 0.7
        assert np.percentile(difference, 99) <= 4


def test_the_box_of_a_scaled_picture_leaves_out_what_is_half_filled():
    data = encode(scene(411, 533), "JPEG")
    assert decode_at(data, 8).pixels.shape == (52, 67, 3)
    assert decode_at(data, 8).box == (0, 0, 533 / 8, 411 / 8)
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by half
    turned = decode_at(encode(scene(411, 533), "JPEG", exif=exif), 8)
    assert turned.box == (67 - 533 / 8, 52 - 411 / 8, 67, 52)


def test_a_view_does_not_depend_on_those_asked_for_with_it():
    data = encode(scene(400, 533), "JPEG")
    together = render(data, VIEWS)
    for view, found in zip(VIEWS, together, strict=True):
        np.testing.assert_array_equal(found, render(data, [view])[0])


@given(st.integers(1, 600), st.integers(1, 40), st.sampled_from(["crop", "squash", "pad"]))
def test_any_file_fits_any_view(long, short, fit):
    data = encode(np.full((long, short, 3), 128, np.uint8), "JPEG", quality=100)
    views = [View(1, 3, fit), View(8, 1, fit)]
    for view, pixels in zip(views, render(data, views), strict=True):
        assert pixels.shape == (view.size, view.size, view.channels)
        assert np.abs(pixels.astype(int) - 128).max() <= 1


def test_real_photographs_at_scales(shared):
    """The eagle, all feathers, is farthest: 1.25 levels of 255 in the mean."""
    for path in sorted(shared("data/photos").glob("*.jpg")):
        data = path.read_bytes()
        for view in (View(64, fraction=1.0), View(96, 1, fraction=1.0)):
            found = render(data, [view])[0].astype(int)
            difference = np.abs(found - apply(decode(data, at_least=None), view))
            assert difference.mean() < 1.3, path
            assert np.percentile(difference, 99.9) < 16, path
