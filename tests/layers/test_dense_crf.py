"""The fully connected field against the sum over all pairs of pixels, written as it stands."""

import numpy as np
import pytest
import torch

from striate.layers.dense_crf import Appearance, CRFSettings, marginals, smoothed
from striate.ops.permutohedral import Lattice, simplices


def kernel(pixels, place, color):
    """D^(-1/2) K D^(-1/2) of all pairs, (H W, H W)."""
    rows, columns = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    places = np.stack([rows, columns], -1).reshape(-1, 2) / place
    colors = pixels.reshape(-1, 3) / color
    points = np.concatenate([places, colors], 1)
    weights = np.exp(-((points[:, None] - points) ** 2).sum(-1) / 2)
    norm = 1 / np.sqrt(weights.sum(1))
    return norm[:, None] * weights * norm


def slow(probabilities, pixels, settings):
    """Algorithm 1 with sums over all pairs, in double precision."""
    shape = probabilities.shape
    smooth = kernel(np.zeros_like(pixels), settings.smooth_place, 1.0)
    appearance = kernel(pixels, settings.place, settings.color)
    unary = np.log(probabilities.reshape(len(probabilities), -1))
    q = np.exp(unary) / np.exp(unary).sum(0)
    for _ in range(settings.rounds):
        energy = unary + settings.smooth_weight * q @ smooth + settings.weight * q @ appearance
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
    corners, weights = simplices(points)
    assert weights.min() >= -1e-12
    assert weights.sum(1) == pytest.approx(1)
    # the corners are in the lattice's frame: of points on its vertices, the point alone weighs
    again, alone = simplices(points[:1])
    assert (again == corners[:1]).all()
    assert alone.tolist() == weights[:1].tolist()


def test_one_point_blurs_to_a_gaussian_in_one_dimension():
    points = np.linspace(-3, 3, 61)[:, None]
    lattice = Lattice(points)
    values = np.zeros((61, 1), np.float32)
    values[30] = 1
    found = lattice.filtered(values)[:, 0]
    expected = np.exp(-(points[:, 0] ** 2) / 2)
    assert np.abs(found / found.max() - expected).max() < 0.1


def test_the_kernel_of_place_is_the_sum_over_all_pairs():
    x = torch.rand(3, 37, 41, dtype=torch.float64)
    place = torch.arange(41.0, dtype=torch.float64)
    line = torch.exp(-((place[:, None] - place) ** 2) / (2 * 3.0**2))
    expected = line[:37, :37] @ x @ line
    assert torch.allclose(smoothed(x, 3.0), expected, rtol=1e-3)


def test_without_color_marginals_are_those_of_the_sum():
    pixels, beliefs, _ = scene()
    settings = CRFSettings(weight=0.0, rounds=5)
    found = marginals(torch.from_numpy(beliefs), pixels, settings).numpy()
    assert np.abs(found - slow(beliefs, pixels, settings)).max() < 1e-3


def test_the_lattice_is_near_the_sum_over_all_pairs():
    pixels, beliefs, _ = scene()
    settings = CRFSettings(place=10, color=15)
    exact = beliefs.reshape(2, -1) @ kernel(pixels, settings.place, settings.color)
    found = Appearance(pixels, settings)(torch.from_numpy(beliefs)).flatten(1).numpy()
    assert np.abs(found - exact).mean() < 0.03 * exact.mean()


def test_marginals_with_color_are_near_those_of_the_sum():
    pixels, beliefs, disc = scene()
    settings = CRFSettings(smooth_weight=1, weight=3, place=10, color=15, rounds=5)
    found = marginals(torch.from_numpy(beliefs), pixels, settings).numpy()
    expected = slow(beliefs, pixels, settings)
    assert np.abs(found - expected).mean() < 1e-2
    assert ((found[1] > 0.5) == (expected[1] > 0.5)).mean() > 0.99
    before, after = ((x[1] > 0.5) == disc for x in (beliefs, found))
    assert before.mean() < 0.9 < 0.97 < after.mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (3, 2)])
def test_pictures_of_any_shape(shape):
    pixels = np.zeros((*shape, 3), np.uint8)
    found = marginals(torch.full((2, *shape), 0.5), pixels)
    assert torch.allclose(found, torch.full_like(found, 0.5))
