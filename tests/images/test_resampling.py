"""Bicubic resampling: by hand, and compiled for each kind of vectors beside Pillow, bit for bit."""

import ctypes

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from striate import native
from striate.images import resampling
from striate.images.pillow_memory import address
from striate.images.resampling import by_pillow, resample

LEVELS = ("plain", *(name for name, _ in reversed(native.LEVELS)))


@pytest.fixture(params=LEVELS)
def compiled(request, monkeypatch):
    """The functions for one kind of vectors."""
    if resampling._functions() is None:
        pytest.skip("native/resample.c was not compiled")
    if LEVELS.index(request.param) > LEVELS.index(native.level()):
        pytest.skip(f"this processor has no {request.param}")
    monkeypatch.setattr(native, "level", lambda: request.param)
    resampling._declared.cache_clear()
    yield
    resampling._declared.cache_clear()


@pytest.fixture(params=["compiled", "absent"])
def either(request, monkeypatch):
    """With what was compiled, and without."""
    if request.param == "absent":
        monkeypatch.setenv("STRIATE_NATIVE", "0")
        assert resampling._functions() is None
    elif resampling._functions() is None:
        pytest.skip("native/resample.c was not compiled")


def noise(height: int, width: int, *channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, *channels), dtype=np.uint8)


def test_an_edge_by_hand(either):
    """Twice as many pixels: Keys' cubic at 1/4, 3/4, 5/4 and 7/4 is 111/128, 29/128, -9/128 and
    -3/128. Beside an edge from 0 to 128 the pixels are -3, -9, 29 - 3, 111 - 9, 128 + 9 and
    128 + 3; below 0 becomes 0."""
    edge = np.repeat(np.array([[0, 0, 0, 0, 128, 128, 128, 128]], np.uint8), 3, axis=0)
    found = resample(edge, (16, 3))
    np.testing.assert_array_equal(found[0, 5:11], [0, 0, 26, 102, 137, 131])


@st.composite
def cases(draw):
    """A picture, a size and a box in it."""
    side, part = st.integers(1, 80), st.floats(0, 1)
    height, width, size = draw(side), draw(side), (draw(side), draw(side))
    seed = draw(st.integers(0, 2**32 - 1))
    random, shape = np.random.default_rng(seed), (height, width, *draw(st.sampled_from([(), (3,)])))
    levels = draw(st.sampled_from([256, 2]))  # black and white alone go beyond both ends
    pixels = (random.integers(0, levels, shape) * (255 // (levels - 1))).astype(np.uint8)
    left, top = draw(part) * (width - 0.5), draw(part) * (height - 0.5)
    right = left + max(0.5, draw(part) * (width - left))
    bottom = top + max(0.5, draw(part) * (height - top))
    return pixels, size, draw(st.sampled_from([(0, 0, width, height), (left, top, right, bottom)]))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # it holds for all of them
@given(cases())
def test_compiled_equals_pillow(compiled, case):
    pixels, size, box = case
    assert resampling._fits(pixels, size, box)
    expected = by_pillow(pixels, size, box)
    np.testing.assert_array_equal(resample(pixels, size, box), expected)
    np.testing.assert_array_equal(resample(Image.fromarray(pixels), size, box), expected)


@pytest.mark.parametrize("size", [(3000, 2), (2, 3000), (1, 1)])
def test_large_scales(compiled, size):
    pixels = noise(900, 700, 3)
    box = (0, 0, 700, 900)
    np.testing.assert_array_equal(resample(pixels, size), by_pillow(pixels, size, box))


def test_what_does_not_fit_is_left_to_pillow():
    picture = noise(8, 8, 3)
    boxes = [(0, 0, 9, 8), (-1, 0, 8, 8), (4, 0, 4, 8), (0, float("nan"), 8, 8)]
    for box in boxes:
        assert not resampling._fits(picture, (4, 4), box)
    assert not resampling._fits(picture.astype(float), (4, 4), (0, 0, 8, 8))
    assert not resampling._fits(noise(8, 8, 4), (4, 4), (0, 0, 8, 8))
    assert not resampling._fits(Image.new("RGBA", (8, 8)), (4, 4), (0, 0, 8, 8))
    assert not resampling._fits(picture, (0, 4), (0, 0, 8, 8))


@pytest.mark.parametrize("channels", [(), (3,)], ids=["gray", "color"])
def test_parts_of_larger_arrays(either, channels):
    pixels = noise(30, 40, *channels)[::-2, ::3]
    expected = resample(np.ascontiguousarray(pixels), (7, 9))
    np.testing.assert_array_equal(resample(pixels, (7, 9)), expected)


@pytest.mark.parametrize("channels", [(), (3,)], ids=["gray", "color"])
def test_a_column_that_was_a_row(either, channels):
    """It is contiguous, and from one of its columns, which is alone, to the next it is far."""
    column, size = noise(1, 30, *channels).swapaxes(0, 1), (2, 7)
    assert column.flags.c_contiguous
    np.testing.assert_array_equal(resample(column, size), by_pillow(column, size, (0, 0, 1, 30)))


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pillow_shows_its_memory(mode):
    image = Image.fromarray(noise(5, 7, 3)).convert(mode)
    with address(image) as place:
        if place is None:
            pytest.skip("this version of Pillow does not")
        held = ctypes.string_at(place, 5 * 7 * (4 if mode == "RGB" else 1))
    found = np.frombuffer(held, np.uint8).reshape(5, 7, -1)[..., :3].squeeze()
    np.testing.assert_array_equal(found, np.asarray(image))


def test_pictures_in_several_pieces(compiled):
    """Pillow keeps more than 16 MiB in blocks, each of whole rows."""
    image = Image.fromarray(noise(2200, 2000, 3))
    with address(image) as place:
        assert place is None
    box = (10.5, 300, 1990, 2100.25)
    np.testing.assert_array_equal(resample(image, (9, 8), box), by_pillow(image, (9, 8), box))


def test_weights_of_enormous_strips_are_not_kept() -> None:
    """They have hundreds of megabytes, and strangers choose their shape."""
    if resampling._functions() is None:
        pytest.skip("the loops in C were not compiled here")
    resampling._kept_weights.cache_clear()
    resampling.resample(np.zeros((1, 400_000), np.uint8), (224, 1))
    assert resampling._kept_weights.cache_info().currsize == 1  # of the other side
    resampling.resample(np.zeros((300, 400), np.uint8), (224, 224))
    assert resampling._kept_weights.cache_info().currsize == 3
