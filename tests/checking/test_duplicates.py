"""Pairs of the same picture, on vectors made for it; groups by hand."""

import numpy as np
import pytest

from striate.checking.appearance import Looks, codes_of, mirrored
from striate.checking.duplicates import Pairs, find, groups


def looks_of(vectors):
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = vectors / np.where(lengths > 0, lengths, 1)
    return Looks(vectors, codes_of(vectors), lengths[:, 0] == 0)


@pytest.fixture
def random():
    return np.random.default_rng(0)


@pytest.fixture
def vectors(random):
    """Twelve looks that have nothing to do with each other."""
    return random.standard_normal((12, 144)).astype(np.float32)


@pytest.fixture
def marks(random):
    return random.integers(0, 256, (12, 16), np.uint8)


def pairs_of(found):
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_of_nothing_alike_nothing_is_found(vectors, marks):
    assert len(find(looks_of(vectors), marks)) == 0


def test_the_same_bytes_are_tied_to_the_first(vectors, marks):
    marks[[5, 9]] = marks[2]
    found = find(looks_of(vectors), marks)
    assert pairs_of(found) == [(2, 5), (2, 9)]
    assert found.exact.all()
    assert not found.mirror.any()


def test_the_same_pixels_in_another_file_are_no_exact_copy(vectors, marks):
    vectors[7] = vectors[3]
    found = find(looks_of(vectors), marks)
    assert pairs_of(found) == [(3, 7)]
    assert not found.exact.any()
    assert found.likeness.tolist() == [1.0]


def test_a_look_with_a_little_noise_and_one_in_a_mirror(vectors, marks, random):
    vectors[7] = vectors[3] + 0.05 * random.standard_normal(144)
    vectors[8] = mirrored(vectors[4:5])[0] + 0.05 * random.standard_normal(144)
    found = find(looks_of(vectors), marks)
    assert pairs_of(found) == [(3, 7), (4, 8)]
    assert found.mirror.tolist() == [False, True]
    assert (found.likeness > 0.99).all()


def test_a_symmetric_picture_is_no_copy_of_itself(marks, vectors):
    vectors += mirrored(vectors)
    assert len(find(looks_of(vectors), marks)) == 0


def test_small_pictures_must_be_more_alike(vectors, marks, random):
    vectors[7] = vectors[3] + 0.1 * random.standard_normal(144)  # correlation 0.995
    assert pairs_of(find(looks_of(vectors), marks)) == [(3, 7)]
    assert len(find(looks_of(vectors), marks, small=True)) == 0


@pytest.mark.parametrize(("angle", "expected"), [(0.1, [(3, 7)]), (0.6, [])])
@pytest.mark.parametrize("noise", [0.3, 0.5])  # correlations of 0.96, and of 0.9
def test_where_looks_leave_a_doubt_the_network_decides(
    vectors, marks, random, noise, angle, expected
):
    vectors[7] = vectors[3] + noise * random.standard_normal(144)
    features = random.standard_normal((12, 40)).astype(np.float32)
    features[7] = features[3] + angle * random.standard_normal(40)
    looks = looks_of(vectors)
    assert len(find(looks, marks)) == 0
    assert pairs_of(find(looks, marks, features=features)) == expected
    assert len(find(looks, marks, features=features, small=True)) == 0


def test_the_network_alone_does_not_decide(vectors, marks, random):
    features = random.standard_normal((12, 40)).astype(np.float32)
    features[7] = features[3]
    assert len(find(looks_of(vectors), marks, features=features)) == 0


def test_flat_pictures_are_copies_only_by_their_bytes(vectors, marks):
    vectors[[1, 6, 8]] = 0
    assert len(find(looks_of(vectors), marks)) == 0
    marks[8] = marks[6]
    assert pairs_of(find(looks_of(vectors), marks)) == [(6, 8)]


def test_ten_thousand_times_the_same_picture(random):
    vectors = np.repeat(random.standard_normal((1, 144)), 10_000, axis=0)
    vectors[-1] = random.standard_normal(144)
    marks = random.integers(0, 256, (10_000, 16), np.uint8)
    found = find(looks_of(vectors), marks)
    assert len(found) == 9_998
    assert len(np.unique(groups(10_000, found))) == 2


def test_one_picture_alone(random):
    assert len(find(looks_of(random.standard_normal((1, 144))), np.zeros((1, 16), np.uint8))) == 0


def test_groups_by_hand():
    first, second = np.array([4, 1, 0]), np.array([5, 4, 2])
    none = np.zeros(3, bool)
    found = groups(6, Pairs(first, second, np.ones(3, np.float32), none, none))
    assert found.tolist() == [0, 1, 0, 3, 1, 1]


def test_a_copy_of_a_picture_that_is_its_own_mirror_image(vectors, marks, random):
    """Its odd columns are nothing but the noise of compression, which has other signs each time."""
    grid = vectors.reshape(-1, 12, 12)
    grid[5] = grid[2]
    grid[[2, 5], :, 1::2] = random.standard_normal((2, 12, 6)) / 100
    found = find(looks_of(vectors), marks)
    assert pairs_of(found) == [(2, 5)]
    assert not found.mirror.any()
