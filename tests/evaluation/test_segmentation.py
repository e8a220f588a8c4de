"""Overlap and borders of class maps, by pencil."""

import numpy as np
import pytest

from striate.evaluation.segmentation import boundary_f, confusion, mean_overlaps, overlaps

VOID = 255


def test_pixels_are_counted_by_class_and_void_not_at_all():
    truth = np.array([[0, 0, 1], [1, VOID, 0]], np.uint8)
    found = np.array([[0, 1, 1], [7, 0, 0]], np.uint8)
    assert confusion(truth, found, 2, VOID).tolist() == [[2, 1, 0], [0, 1, 1]]


def test_a_class_without_truth_has_no_overlap():
    each = overlaps(np.array([2, 0]), np.array([2, 0]), np.array([3, 1]))
    assert each[0] == pytest.approx(2 / 3)
    assert np.isnan(each[1])


def test_draws_sum_all_pixels_before_they_divide():
    hits = np.array([[1, 0], [0, 3]])
    truth = np.array([[2, 0], [1, 4]])
    found = np.array([[1, 1], [0, 5]])
    rows = np.array([[0, 0], [0, 1], [1, 1]])
    # first draw: class 0 alone: 2 / (4 + 2 - 2); second: 1 / (3 + 1 - 1) and 3 / (4 + 6 - 3);
    # third: 0 / 2 and 6 / (8 + 10 - 6).
    expected = [1 / 2, (1 / 3 + 3 / 7) / 2, (0 + 6 / 12) / 2]
    assert mean_overlaps(hits, truth, found, rows) == pytest.approx(expected)


def square(side=40, at=10, size=12):
    labels = np.zeros((side, side), np.uint8)
    labels[at : at + size, at : at + size] = 1
    return labels


def test_the_same_borders_are_right_also_a_pixel_off():
    assert boundary_f(square(), square(), 2, VOID) == 1
    assert boundary_f(square(), square(at=11), 2, VOID) == 1  # 0.0075 * 56.6 rounds to nothing: 1
    assert boundary_f(square(), square(at=20), 2, VOID) < 0.3


def test_borders_that_are_not_found_count():
    assert boundary_f(square(), np.zeros((40, 40), np.uint8), 2, VOID) == 0


def test_one_class_has_no_border():
    plain = np.zeros((9, 9), np.uint8)
    assert np.isnan(boundary_f(plain, plain, 2, VOID))
    assert np.isnan(boundary_f(plain[:1, :1], plain[:1, :1], 2, VOID))


def test_void_makes_no_border():
    truth = square()
    truth[truth == 1] = VOID
    assert np.isnan(boundary_f(truth, square(), 2, VOID))
