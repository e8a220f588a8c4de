"""Gaussians about places, and the places back out of them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.ops.peaks import bumps, peaks

INSIDE = st.floats(1.6, 17.4)


@settings(max_examples=40, deadline=None)
@given(x=INSIDE, y=INSIDE, sigma=st.floats(0.8, 3.0))
def test_the_peak_of_a_gaussian_is_found_to_a_fraction_of_a_cell(x, y, sigma):
    rows, columns = np.mgrid[:20, :20]
    heat = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    logits = torch.from_numpy(np.log(heat))[None, None] * 1.0 + 7.0
    found, _ = peaks(logits)
    assert found[0, 0].tolist() == pytest.approx([x, y], abs=1e-6)


def test_a_turned_gaussian_needs_the_mixed_derivative():
    rows, columns = np.mgrid[:12, :12]
    u, v = columns - 5.3, rows - 6.2
    logits = torch.from_numpy(-(0.5 * u**2 + 0.4 * v**2 + 0.3 * u * v))[None, None]
    assert peaks(logits)[0][0, 0].tolist() == pytest.approx([5.3, 6.2], abs=1e-9)


def test_bumps_are_distributions_about_their_places():
    places = torch.tensor([[[3.25, 5.5]]])
    (map_,) = bumps(places, (12, 10), 1.2)[0]
    rows, columns = torch.meshgrid(torch.arange(12.0), torch.arange(10.0), indexing="ij")
    assert float(map_.sum()) == pytest.approx(1, abs=1e-6)
    assert float((map_ * columns).sum()) == pytest.approx(3.25, abs=0.02)
    assert float((map_ * rows).sum()) == pytest.approx(5.5, abs=0.02)
    assert peaks(map_.log()[None, None])[0][0, 0].tolist() == pytest.approx([3.25, 5.5], abs=1e-4)


def test_a_peak_at_the_border_and_a_flat_map_stay_where_they_are():
    maps = torch.zeros(1, 2, 4, 5)
    maps[0, 0, 0, 4] = 3.0
    found, share = peaks(maps)
    assert found[0].tolist() == [[4, 0], [0, 0]]
    assert share[0, 1].item() == pytest.approx(9 / 20)  # three rows and columns of a flat map
