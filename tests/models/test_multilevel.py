"""A classifier on statistics of several maps: what it reads, and what cannot be done with it."""

import numpy as np
import pytest
import torch

from striate.errors import ModelError, UnknownName
from striate.models import classifier, create, cut, folded
from striate.models.multilevel import balanced, multilevel
from striate.models.resizing import slide
from striate.models.surgery import Before, above
from striate.visualize import occlusion


@pytest.fixture
def network():
    torch.manual_seed(0)
    model = create("efficientnet_lite0", classes=7).eval()
    return multilevel(model, ("stage3", "stage5"), classes=4).eval()


def images():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_it_reads_the_maps_that_it_says(network):
    maps = network.features(images())
    assert list(maps)[-3:] == ["stage7", "head_conv", "statistics"]
    means = maps["head_conv"].mean((2, 3))
    roots = means / (means.abs() + 1e-3).sqrt()
    spreads = [(maps[name].var((2, 3), correction=0) + 1e-6).sqrt() for name in network.maps]
    expected = torch.cat([roots, *spreads], 1)
    torch.testing.assert_close(maps["statistics"], expected)
    assert expected.shape == (2, 1280 + 40 + 112)
    last = classifier(network)[1]
    torch.testing.assert_close(network(images()), last(expected))
    torch.testing.assert_close(Before(network)(images()), expected)


@torch.no_grad()
def test_cut_where_maps_are_handed_on_and_where_they_are_joined(network):
    maps = network.features(images())
    for name in ("stage4", "head_conv", "statistics"):
        torch.testing.assert_close(cut(network, name)(images()), maps[name])


@torch.no_grad()
def test_normalization_is_folded(network):
    torch.testing.assert_close(folded(network)(images()), network(images()), rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_above_a_map_that_nothing_below_is_read_of(network):
    maps = network.features(images())
    for name in ("stage2", "stage3"):
        upper = above(network, name)
        torch.testing.assert_close(upper(maps[name]), network(images()))
        assert not {"stem", "stage1"} & dict(upper.named_children()).keys()
    assert classifier(upper)[1] is network.classifier
    assert {"stem", "stage1"} <= dict(network.named_children()).keys()


def test_deviations_of_a_tenth_of_the_means():
    model = multilevel(create("efficientnet_lite0"), ("stage3",), classes=2)
    learned = np.concatenate([np.full((4, 1280), 3.0), np.full((4, 40), 7.0)], 1).astype("f4")
    model.statistics.scale.fill_(2.0)
    one, two = balanced(model, learned, learned[:1])
    means, spreads = (np.linalg.norm(part, axis=1) for part in np.split(one, [1280], axis=1))
    np.testing.assert_allclose(spreads, means / 10, rtol=1e-5)
    np.testing.assert_array_equal(two, one[:1])
    factor = 0.1 * 3 * 1280**0.5 / (7 * 40**0.5)
    assert float(model.statistics.scale) == pytest.approx(2 * factor)
    still = np.concatenate([learned[:, :1280], np.zeros((4, 40), np.float32)], 1)
    np.testing.assert_array_equal(balanced(model, still)[0], still)


def test_what_cannot_be_done(network):
    with pytest.raises(ModelError, match="reads stage3, which lies below stage4"):
        above(network, "stage4")
    with pytest.raises(ModelError, match="reads several maps at once: it cannot slide"):
        slide(network)
    with pytest.raises(ModelError, match="does not decide by the mean of its last map"):
        multilevel(create("alexnet"), (), classes=2)
    with pytest.raises(ModelError, match="does not decide by the mean of its last map"):
        multilevel(create("airbench"), (), classes=2)  # by the maxima
    plain = create("efficientnet_lite0")
    with pytest.raises(UnknownName, match="stage33"):
        multilevel(plain, ("stage33",), classes=2)
    with pytest.raises(ValueError, match="named twice"):
        multilevel(plain, ("stage3", "stage3"), classes=2)


def test_hidden_squares_are_computed_incrementally_and_without_a_warning(network, recwarn):
    image = images()[:1]
    settings = {"size": 16, "stride": 16}
    quick, plain = (
        occlusion(network, image, 1, incremental=each, **settings) for each in (True, False)
    )
    torch.testing.assert_close(quick.probability, plain.probability, rtol=1e-4, atol=1e-6)
    assert not recwarn.list
