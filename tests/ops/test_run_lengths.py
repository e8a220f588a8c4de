"""Run lengths: there and back, and what COCO's tools write."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from striate.ops.polygons import filled
from striate.ops.run_lengths import decoded, encoded, from_text, to_text

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(arrays(np.bool_, SHAPES))
def test_there_and_back(mask):
    lengths = encoded(mask)
    assert decoded(lengths, *mask.shape).tolist() == mask.tolist()
    assert from_text(to_text(lengths)) == lengths


@given(st.lists(st.integers(0, 2**31), max_size=12))
def test_any_lengths_are_compressed_and_come_back(lengths):
    assert from_text(to_text(lengths)) == lengths


def test_the_letters_are_those_of_coco():
    # By pencil: 6 fits 5 bits (48 + 6), 40 = 1 * 32 + 8 takes two (48 + 8 + 32, 48 + 1), and the
    # fourth length, 5, is written as 5 - 40 = -35: 5 bits 29 with more to come, then -2.
    assert to_text([6, 40, 6, 5]) == "6X16mN"


@pytest.mark.parametrize("text", ["X", "\x01", "o" * 20])
def test_damaged_text_is_refused(text):
    with pytest.raises(ValueError, match="damaged"):
        from_text(text)


def test_lengths_of_another_size_are_refused():
    with pytest.raises(ValueError, match="3 x 2"):
        decoded([1, 2], 2, 3)


def inside(points, x, y):
    """Whether a ray to the right meets an odd number of edges."""
    count = 0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) * (x1 - x0) / (y1 - y0) > x:
            count += 1
    return count % 2 == 1


CORNERS = st.tuples(st.floats(-3, 9), st.floats(-3, 9))


@given(st.lists(CORNERS, min_size=3, max_size=8))
def test_a_polygon_holds_the_centers_inside(points):
    found = filled(np.array(points), 5, 6)
    for row in range(5):
        for column in range(6):
            shifts = (0, -1e-9, 1e-9)  # a center on an edge may lie on either side
            assert any(
                inside(points, column + 0.5 + d, row + 0.5) == found[row, column] for d in shifts
            )
