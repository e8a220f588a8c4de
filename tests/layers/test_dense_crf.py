"""The fully connected field against the sum over all pairs of pixels, written as it stands."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.layers import dense_crf
from striate.layers.dense_crf import CRFSettings, Smoothing, marginals
from striate.ops.permutohedral import Lattice, distinct, embedded, numbered, simplices


def kernel(pixels, place, color):
    """D^(-1/2) K D^(-1/2) of all pairs, (H W, H W)."""
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    places = np.stack([rows, columns], -1).reshape(-1, 2) / place
    colors = pixels.reshape(-1, 3) / color
    points = np.concatenate([places, colors], 1)
    weights = np.exp(-((points[:, None] - points) ** 2).sum(-1) / 2)
    norm = 1 / np.sqrt(weights.sum(1))
    return norm[:, None] * weights * norm


def slow(probabilities, pixels, field):
    """Algorithm 1 with sums over all pairs, in double precision."""
    shape = probabilities.shape
    smooth = kernel(np.zeros_like(pixels), field.smooth_place, 1.0)
    appearance = kernel(pixels, field.place, field.color)
    unary = np.log(probabilities.reshape(len(probabilities), -1))
    q = np.exp(unary) / np.exp(unary).sum(0)
    for _ in range(field.rounds):
        energy = unary + field.smooth_weight * q @ smooth + field.weight * q @ appearance
        q = np.exp(energy - energy.max(0))
        q /= q.sum(0)
    return q.reshape(shape)


def scene(height=30, width=26, seed=0):
    """A bright disc on a darker ramp with a little noise, and unsure beliefs about where it is."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    disc = (rows - 14) ** 2 + (columns - 12) ** 2 < 70
    pixels = np.where(disc, 170, 40 + rows)[..., None] + np.array([0, 10, -20])
    pixels = (pixels + random.normal(0, 4, pixels.shape)).clip(0, 255).astype(np.uint8)
    belief = 0.35 + 0.3 * disc + random.uniform(-0.25, 0.25, disc.shape)
    return pixels, np.stack([1 - belief, belief]), disc


def test_barycentric_coordinates_give_the_point_back():
    points = np.random.default_rng(0).normal(0, 3, (50, 5))
    found = simplices(points)
    assert found.weights.min() >= -1e-12
    assert found.weights.sum(0) == pytest.approx(1)
    corners = found.corners()
    assert (corners.sum(1) == 0).all()
    assert (corners % 6 == np.arange(6)[:, None, None]).all()  # remainders 0 to 5
    again = (found.weights[:, None] * corners).sum(0)
    assert np.abs(again - embedded(points)).max() < 1e-9


def test_corners_have_one_number_a_place():
    found = simplices(np.random.default_rng(0).normal(0, 1, (40, 3)))
    steps = np.array([1, 1000, 1000_000])
    keys = numbered(found, np.full(3, -500), steps)
    expected = np.einsum("kdn,d->kn", found.corners()[:, :3] + 500, steps)
    assert (keys == expected).all()
    values, place = distinct(keys)
    assert values.tolist() == np.unique(keys).tolist()
    assert (values[place] == keys).all()


def test_one_point_blurs_to_a_gaussian_in_one_dimension():
    points = np.linspace(-3, 3, 61)[:, None]
    lattice = Lattice(points)
    values = torch.zeros(61, 1)
    values[30] = 1
    found = lattice.filtered(values)[:, 0].numpy()
    expected = np.exp(-(points[:, 0] ** 2) / 2)
    assert np.abs(found / found.max() - expected).max() < 0.1


@pytest.mark.parametrize("deviation", [0.7, 1.5, 3.0, 8.0])
def test_the_kernel_of_place_is_the_sum_over_all_pairs(deviation):
    x = torch.rand(37, 21, 3, dtype=torch.float64)
    weights = kernel(np.zeros((37, 21, 3)), deviation, 1.0)
    expected = (weights @ x.view(-1, 3).numpy()).reshape(37, 21, 3)
    assert Smoothing(37, 21, deviation)(x).numpy() == pytest.approx(expected, rel=3e-4)


def test_without_color_marginals_are_those_of_the_sum():
    pixels, beliefs, _ = scene()
    field = CRFSettings(weight=0.0, rounds=5)
    found = marginals(torch.from_numpy(beliefs), pixels, field).numpy()
    assert np.abs(found - slow(beliefs, pixels, field)).max() < 1e-3


@settings(max_examples=10, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    place=st.floats(2, 60),
    color=st.floats(3, 40),
    seed=st.integers(0, 99),
)
def test_marginals_of_small_pictures_are_those_of_the_sum(shape, place, color, seed):
    pixels, beliefs, _ = scene(*shape, seed=seed)
    field = CRFSettings(smooth_weight=1, weight=3, place=place, color=color, rounds=3)
    found = marginals(torch.from_numpy(beliefs), pixels, field).numpy()
    assert np.abs(found - slow(beliefs, pixels, field)).max() < 1e-3


def test_on_the_lattice_marginals_are_near_those_of_the_sum(monkeypatch):
    monkeypatch.setattr(dense_crf, "EXACT", 0)
    pixels, beliefs, disc = scene()
    field = CRFSettings(smooth_weight=1, weight=3, place=10, color=15, rounds=5)
    found = marginals(torch.from_numpy(beliefs), pixels, field).numpy()
    expected = slow(beliefs, pixels, field)
    assert np.abs(found - expected).mean() < 1e-2
    assert ((found[1] > 0.5) == (expected[1] > 0.5)).mean() > 0.99
    before, after = ((x[1] > 0.5) == disc for x in (beliefs, found))
    assert before.mean() < 0.9 < 0.97 < after.mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2)])
def test_pictures_of_any_shape(shape):
    pixels = np.zeros((*shape, 3), np.uint8)
    found = marginals(torch.full((2, *shape), 0.5), pixels)
    assert torch.allclose(found, torch.full_like(found, 0.5))
