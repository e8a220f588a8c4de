"""Elastic distortion: Simard's numbers, smoothness, and the field a pixel at a time."""

import math

import pytest
import torch

from striate.augment import Augmentation, Spread, displacements
from striate.augment.elastic import bumps

SIMARD = Spread(elastic=0.0477)  # alpha = 34, sigma = 4 at 29 x 29


def fields(spread: Spread, count: int, size: tuple[int, int], seed: int = 0) -> torch.Tensor:
    field = displacements(spread, count, size, torch.Generator().manual_seed(seed))
    assert field is not None
    return field


def test_simards_numbers() -> None:
    # Uniform in [-1, 1], a Gaussian of deviation 4, times 34: as the paper makes it.
    x = torch.arange(-20, 21, dtype=torch.float64)
    gaussian = torch.exp(-(x**2) / 32)
    gaussian /= gaussian.sum()
    rms = 34 * math.sqrt(1 / 3) * float((gaussian**2).sum())  # two directions: squared root
    assert rms == pytest.approx(1.385, abs=0.001)
    assert rms / 29 == pytest.approx(SIMARD.elastic, abs=1e-4)
    assert SIMARD.softness == 4 / 29


@pytest.mark.parametrize("size", [(29, 29), (64, 40)])
def test_the_root_mean_square_is_what_was_asked_for(size: tuple[int, int]) -> None:
    field = fields(SIMARD, 400, size) / 2  # in shares of the side
    assert field.shape == (400, *size, 2)
    rms = field.square().mean((0, 3)).sqrt()
    assert rms.mean() == pytest.approx(SIMARD.elastic, rel=0.05)
    assert (rms - SIMARD.elastic).abs().max() < 0.15 * SIMARD.elastic  # at the border, too
    assert field.mean().abs() < 0.002


def test_neighbors_move_alike_as_under_the_gaussian() -> None:
    # The correlation at distance d of noise smoothed with sigma is exp(-d^2 / (4 sigma^2)).
    field = fields(SIMARD, 800, (29, 29))
    for distance in (1, 4, 8):
        a, b = field[:, :, :-distance], field[:, :, distance:]
        correlation = (a * b).mean() / field.square().mean()
        assert correlation == pytest.approx(math.exp(-(distance**2) / 64), abs=0.04)


def test_rows_of_weights_have_length_one_and_nodes_lie_closer_than_the_gaussian() -> None:
    weights = bumps(29, 4 / 29)
    torch.testing.assert_close(weights.square().sum(1), torch.ones(29))
    totals = weights.sum(1)
    assert (totals - totals.mean()).abs().max() < 1e-3 * totals.mean()


def test_nothing_asked_is_nothing_drawn() -> None:
    state = torch.get_rng_state()
    assert displacements(Spread(), 3, (5, 5)) is None
    assert torch.equal(torch.get_rng_state(), state)


def test_a_stroke_bends_but_keeps_its_ink() -> None:
    stroke = torch.zeros(8, 1, 28, 28)
    stroke[:, :, 4:24, 12:16] = 255
    views = Augmentation(SIMARD)(stroke, torch.Generator().manual_seed(0))
    assert (views - stroke).abs().amax((1, 2, 3)).min() > 60
    share = views.sum((1, 2, 3)) / stroke.sum((1, 2, 3))
    assert share.min() > 0.6
    assert share.max() < 1.6
