"""What the pictures say to a classifier, with the network and without it."""

import numpy as np
import pytest

import striate
from striate.checking import features
from striate.checking.appearance import VIEW, looks
from striate.data import decode
from striate.errors import MissingExtra
from striate.images import View
from striate.inference import Preprocessing
from striate.models import entry


@pytest.fixture
def network():
    """The view for photographs; skips where the published weights are not installed."""
    view = features.deep_view(400)
    if view is None:
        pytest.skip("the extra 'pretrained' is not installed")
    return view


def test_pictures_are_shown_in_a_size_that_fits_them(network):
    assert network == View(224, fraction=1.0)
    assert features.deep_view(28) == View(96, fit="squash")


def test_without_the_extra_there_is_no_view(monkeypatch):
    def missing(name):
        raise MissingExtra("it", "pretrained")

    monkeypatch.setattr(features, "locate", missing)
    assert features.deep_view(400) is None


def test_deep_features_are_those_of_transfer_learning(network, folder):
    from striate.tasks.pictures.features import deep_features

    data = decode(striate.data.open(folder), [network])
    found = features.deep(data, network)
    preprocessing = Preprocessing(network, entry("efficientnet_lite0").normalization)
    expected, _ = deep_features(data, "efficientnet_lite0", "imagenet", preprocessing)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_of_many_images_fewer_numbers_are_kept_with_the_same_angles(network, folder, monkeypatch):
    data = decode(striate.data.open(folder), [network])
    whole = features.deep(data, network)
    monkeypatch.setattr(features, "MANY", 10)
    few = features.deep(data, network)
    assert few.shape == (len(data.dataset), features.MOST)

    def angles(values):
        unit = values / np.linalg.norm(values, axis=1, keepdims=True)
        return unit @ unit.T

    np.testing.assert_allclose(angles(few), angles(whole), atol=0.15)


def test_gradients_tell_digits_apart():
    data = decode(striate.data.open("digits"), [VIEW])
    found = features.plain(data, looks(data.pixels[VIEW]).vectors)
    assert found.shape == (1797, 324 + 144)
    train, test = data.dataset.split == 0, data.dataset.split == 2
    distances = ((found[test, None] - found[None, train][:, ::4]) ** 2).sum(2)
    nearest = data.dataset.targets.numbers[train][::4][distances.argmin(1)]
    assert (nearest == data.dataset.targets.numbers[test]).mean() > 0.9
