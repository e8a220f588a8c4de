"""Looks: the cosine transform by an independent library, mirrors, and what leaves them alone."""

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn
from skimage import data as scenes

from striate.checking.appearance import SIDE, VIEW, codes_of, cosines, looks, mirrored
from striate.images import apply


@pytest.fixture(scope="module")
def photographs():
    """A few photographs (H, W, 3)."""
    return [scenes.astronaut(), scenes.coffee(), scenes.chelsea()]


def seen(images):
    return looks(np.stack([apply(np.ascontiguousarray(image), VIEW) for image in images]))


def test_a_look_is_the_whitened_lowest_frequencies():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 1), dtype=np.uint8)
    found = looks(pixels).vectors
    for row in range(3):
        spectrum = dctn(pixels[row, ..., 0].astype(float), norm="ortho")[:SIDE, :SIDE]
        for u in range(SIDE):
            for v in range(SIDE):
                spectrum[u, v] *= (u * u + v * v) ** 0.5
        np.testing.assert_allclose(
            found[row], spectrum.ravel() / np.linalg.norm(spectrum), atol=1e-5
        )


@pytest.mark.parametrize("size", [8, 12, 28, 64])
def test_the_waves_are_orthonormal_as_far_as_the_picture_has_them(size):
    waves = cosines(size)
    expected = np.diag((np.arange(SIDE) < size).astype(float))
    np.testing.assert_allclose(waves @ waves.T, expected, atol=1e-6)


def test_sixteen_bits_to_a_number_and_neighbors_in_different_bands():
    vector = np.full((1, 144), -1.0, np.float32)
    vector[0, 0] = vector[0, 10] = 1  # bit 0: first of band 0; bit 10: second of band 1
    assert codes_of(vector).tolist() == [[1 << 15, 1 << 14, 0, 0, 0, 0, 0, 0, 0]]


def test_a_mirror_turns_the_odd_columns(photographs):
    straight = seen(photographs)
    turned = seen([image[:, ::-1] for image in photographs])
    np.testing.assert_allclose(mirrored(straight.vectors), turned.vectors, atol=2e-2)
    np.testing.assert_array_equal(mirrored(mirrored(straight.vectors)), straight.vectors)


def test_size_and_contrast_leave_a_look_alone_and_another_photograph_does_not(photographs):
    original = seen(photographs).vectors
    smaller = [np.array(Image.fromarray(image).resize((200, 150))) for image in photographs]
    paler = [(100 + image * 0.4).astype(np.uint8) for image in photographs]
    for changed in (smaller, paler):
        assert ((original * seen(changed).vectors).sum(1) > 0.99).all()
    assert abs(original[0] @ original[1]) < 0.5


def test_color_is_seen_as_luminance(photographs):
    gray = [np.array(Image.fromarray(image).convert("L")) for image in photographs]
    colored = looks(np.stack([image[:128, :128] for image in photographs]))
    plain = looks(np.stack([image[:128, :128, None] for image in gray]))
    np.testing.assert_allclose(colored.vectors, plain.vectors, atol=5e-3)


def test_a_flat_picture_has_no_look():
    found = looks(np.full((2, 32, 32, 1), 7, np.uint8))
    assert found.flat.all()
    assert not found.vectors.any()


def test_many_pictures_are_the_same_in_chunks(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    whole = looks(pixels).vectors
    monkeypatch.setattr("striate.checking.appearance.CHUNK", 2 * 16 * 16 * 3)
    np.testing.assert_array_equal(looks(pixels).vectors, whole)


def test_no_picture_at_all():
    assert len(looks(np.empty((0, 32, 32, 1), np.uint8))) == 0
