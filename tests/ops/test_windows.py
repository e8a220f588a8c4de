"""Windows about points, inside their images, and what is seen in them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.ops.windows import LEAST, MARGIN, cut, matrices_of, windows_about

INSIDE = st.floats(0, 100)


@settings(max_examples=40, deadline=None)
@given(points=st.lists(st.tuples(INSIDE, INSIDE), min_size=1, max_size=5))
def test_a_window_lies_inside_and_holds_its_points(points):
    places = torch.tensor([points])
    left, top, side = windows_about(places, 100)[0].tolist()
    spread = float((places.amax(1) - places.amin(1)).max())
    assert side == pytest.approx(min(max(MARGIN * spread, 100 * LEAST), 100), abs=1e-3)
    for corner, axis in ((left, 0), (top, 1)):
        assert corner >= -1e-3
        assert corner + side <= 100 + 1e-3
        assert (places[0, :, axis] >= corner - 1e-3).all()
        assert (places[0, :, axis] <= corner + side + 1e-3).all()


def test_a_window_of_whole_pixels_is_those_pixels():
    images = torch.rand(2, 3, 16, 16)
    windows = torch.tensor([[3.0, 5, 8], [0, 0, 16]])
    seen = cut(images, windows, 8)
    assert torch.allclose(seen[0], images[0, :, 5:13, 3:11], atol=1e-5)
    halves = images[1].unflatten(1, (8, 2)).unflatten(3, (8, 2)).mean((2, 4))
    assert torch.allclose(seen[1], halves, atol=1e-5)


def test_a_matrix_leads_from_the_window_to_the_image():
    (matrix,) = matrices_of(torch.tensor([[20.0, 50, 40]]), 100)
    corner = matrix @ torch.tensor([-1.0, -1, 1])
    assert ((corner + 1) * 50).tolist() == pytest.approx([20, 50])
    other = matrix @ torch.tensor([1.0, 0, 1])
    assert ((other + 1) * 50).tolist() == pytest.approx([60, 70])
