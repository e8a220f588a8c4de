"""Filters and feature maps of any named layer."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models import create
from striate.visualize._activations import activations, filters, first_convolution


def test_maps_come_in_the_order_of_their_totals():
    """Filters that multiply by 1, 3 and -2: of an image that is all 2, the totals are 32, 96, 0."""
    net = nn.Sequential(nn.Conv2d(1, 3, 1, bias=False), nn.ReLU(inplace=True))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, 3, -2])[:, None, None, None])
    found = activations(net, torch.full((1, 4, 4), 2.0), "1")
    assert found.order.tolist() == [1, 0, 2]
    assert found.totals.tolist() == [32, 96, 0]
    # What stands before a rectifier that works in place is not overwritten by it.
    assert activations(net, torch.full((1, 4, 4), 2.0), "0").totals.tolist() == [32, 96, -64]


def test_fields_say_what_a_unit_sees():
    net = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(1, 1, 3))
    image = torch.zeros(1, 16, 16)
    found = activations(net, image, "2")
    assert found.box(0, 0) == (0, 0, 7, 7)  # 8 pixels from -1 on; the padding is left out
    assert found.box(1, 2) == (1, 3, 9, 11)
    assert found.image_size == (16, 16)


def test_the_peak_is_where_the_largest_number_is():
    net = nn.Sequential(nn.Identity())
    image = torch.zeros(1, 5, 7)
    image[0, 3, 6] = 1
    assert activations(net, image, "0").peak(0) == (3, 6)


@pytest.mark.parametrize("name", ["lenet5", "googlenet", "resnet20", "efficientnet_lite0"])
def test_every_stage_of_our_networks_answers(name):
    net = create(name)
    size = 28 if name == "lenet5" else 32 if name == "resnet20" else 64
    image = torch.randn(net.channels, size, size)
    for layer in net.stage_names[:5]:
        found = activations(net, image, layer)
        assert found.maps.ndim == 3
        assert sorted(found.order.tolist()) == list(range(len(found.maps)))
        assert (np.diff(found.totals[found.order]) <= 1e-3).all()


def test_modules_are_as_they_were():
    net = create("lenet5").train()
    activations(net, torch.randn(1, 28, 28), net.stage_names[1])
    assert all(module.training for module in net.modules())
    assert not any(module._forward_hooks for module in net.modules())


def test_filters_are_those_of_the_first_convolution_inside():
    net = create("resnet20")
    first = net.stage_names[0]
    assert filters(net, first).shape == (16, 3, 3, 3)
    assert first_convolution(net).startswith(first)
    np.testing.assert_array_equal(filters(net, first_convolution(net)), filters(net, first))


def test_mistakes():
    net = create("lenet5")
    with pytest.raises(UnknownName, match="did you mean"):
        activations(net, torch.randn(1, 28, 28), net.stage_names[0] + "x")
    with pytest.raises(ModelError, match="not a convolution and contains none"):
        filters(net, net.stage_names[-1])
    with pytest.raises(ModelError, match="no convolution"):
        first_convolution(nn.Linear(2, 2))
    with pytest.raises(ModelError, match="one image is"):
        activations(net, torch.randn(2, 1, 28, 28), net.stage_names[0])
    with pytest.raises(ModelError, match="not finite"):
        activations(net, torch.full((1, 28, 28), float("inf")), net.stage_names[0])
