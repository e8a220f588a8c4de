"""The filter bank on patterns whose answers are known."""

import math

import pytest
import torch

from striate.handcrafted.filter_bank import (
    COUNT,
    FilterBank,
    FilterBankSegmenter,
    at_scale,
    blurred,
)


def test_gaussians_keep_what_is_even_and_have_their_width():
    assert torch.allclose(blurred(torch.full((1, 1, 9, 9), 3.0), 2.0), torch.tensor(3.0))
    dot = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    dot[..., 20, 20] = 1
    place = torch.arange(41.0, dtype=torch.float64) - 20
    spread = float((blurred(dot, 2.0)[0, 0].sum(0) * place**2).sum())
    assert spread == pytest.approx(4, rel=0.05)  # the ends at three deviations are missing


def test_a_ramp_has_an_edge_and_one_direction():
    ramp = torch.arange(40.0).expand(1, 3, 40, 40) / 10
    _, edge, spot, large, small = (each[0, 0, 20, 20] for each in at_scale(ramp, 1.0))
    assert float(edge) == pytest.approx(0.1, rel=1e-3)
    assert abs(float(spot)) < 1e-4
    assert float(large) == pytest.approx(0.1, rel=1e-3)
    assert float(small) < 1e-3


def test_a_spot_is_dark_in_its_middle():
    place = torch.arange(41.0) - 20
    spot = torch.exp(-(place[:, None] ** 2 + place**2) / 8).expand(1, 3, 41, 41)
    found = at_scale(spot, 1.0)[2][0, 0]
    assert found.argmin() == 20 * 41 + 20
    # Blurred, the variance is 4 + 1 and the height 4 / 5; differences reach two pixels to a side.
    assert float(found[20, 20]) == pytest.approx(0.8 * (math.exp(-4 / 10) - 1), rel=0.05)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (17, 23)])
def test_any_size(size):
    images = torch.rand(2, 3, *size)
    assert FilterBank()(images).shape == (2, COUNT, *size)
    assert FilterBankSegmenter(4, waves=8)(images).shape == (2, 4, *size)
    assert FilterBank()(images).isfinite().all()


def test_a_margin_holds_all_that_a_pixel_depends_on():
    torch.manual_seed(0)
    images = torch.randn(1, 3, 4, 400, dtype=torch.float64)
    changed = images.clone()
    changed[..., 200 + FilterBank.margin :] += 1
    first, second = FilterBank()(images), FilterBank()(changed)
    assert torch.equal(first[..., :200], second[..., :200])
