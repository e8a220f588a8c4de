"""Layers taken out: Fergus's experiment, and where no join exists."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models import create, without
from striate.models.skeletons import skeleton


def count(model):
    return sum(p.numel() for p in model.parameters())


@pytest.fixture(scope="module")
def alexnet():
    with skeleton():
        return create("alexnet")


def test_fergus_without_fc7(alexnet):
    smaller = without(alexnet, "fc7")
    assert count(alexnet) - count(smaller) == 16_781_312  # 16.8 million (L)
    assert count(alexnet) == 60_965_224  # the first one is as it was


def test_fergus_without_fc6_and_fc7(alexnet):
    dropped = count(alexnet.fc6) + count(alexnet.fc7)
    assert dropped == 54_534_144  # 54.5 million
    smaller = without(alexnet, "fc6", "fc7")
    # The classifier now reads 9,216 numbers for 4,096: about 50 million fewer in all (L).
    assert count(alexnet) - count(smaller) == dropped - (9216 - 4096) * 1000 == 49_414_144
    assert smaller.fc8.in_features == 9216


def test_fergus_without_conv3_and_conv4(alexnet):
    smaller = without(alexnet, "conv3", "conv4")
    assert smaller.conv5[0].in_channels == 256
    assert smaller.conv5[0].groups == 2
    both = without(alexnet, "conv3", "conv4", "fc6", "fc7")
    weighted = [m for m in both.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(weighted) == 4  # "now only 4 layers" (L)


def test_what_remains_keeps_its_weights_and_computes():
    model = create("lenet5").eval()
    smaller = without(model, "f6").eval()
    assert torch.equal(smaller.c3[0].weight, model.c3[0].weight)
    assert smaller.c3[0].weight is not model.c3[0].weight
    assert smaller.output.in_features == 120
    images = torch.randn(2, 1, 28, 28)
    assert smaller(images).shape == (2, 10)
    assert list(smaller.features(images))[-1] == "c5"


@pytest.mark.parametrize(
    ("name", "layer", "fewer"),
    [
        ("resnet18", "stage3.1", 1_180_672),  # a block between equal widths: nothing else changes
        ("resnet50", "stage2", None),
        ("googlenet", "inception4b", None),
        ("efficientnet_lite0", "stage4.1", None),
        ("vgg16", "conv5_3", 2_359_808),
    ],
)
def test_parts_of_other_networks(name, layer, fewer):
    with skeleton():
        model = create(name)
        smaller = without(model, layer).eval()
        assert smaller(torch.empty(1, 3, 224, 224)).shape == (1, 1000)
    if fewer is not None:
        assert count(model) - count(smaller) == fewer


def test_an_auxiliary_classifier_goes_with_what_it_reads():
    with skeleton():
        smaller = without(create("googlenet"), "inception4a").eval()
        logits = smaller.classifiers(torch.empty(1, 3, 224, 224))
    assert list(logits) == ["logits", "auxiliary2"]


def test_foreign_sequences_are_joined():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Linear(4, 3))
    smaller = without(model, "2", image_size=1)
    assert smaller(torch.randn(2, 6)).shape == (2, 3)
    assert smaller.get_submodule("3").in_features == 5


def test_an_image_is_never_changed_in_place():
    first = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(inplace=True))
    model = nn.Sequential(first, nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(16, 2))
    smaller = without(model, "0.0", image_size=2)
    images = -torch.ones(1, 3, 2, 2)
    smaller(images)
    assert images.max() == -1


@pytest.mark.parametrize(
    ("name", "layer", "message"),
    [
        ("lenet5", "output", "output gives the logits; replace_head changes it"),
        ("alexnet", "conv1.0", "a convolution of 2 groups cannot read 3 channels"),
        ("lenet5", "flatten", "lenet5 without flatten cannot be joined: c5.0 reads vectors"),
        ("resnet18", "stage3.0.conv1", "is a part of Basic, not one of a sequence"),
        ("resnet18", "stage3.0", "cannot be joined: .*broadcast"),
        ("efficientnet_lite0", "stage2.0.expand.0", "joined: running_mean"),
    ],
)
def test_where_no_join_exists(name, layer, message):
    with skeleton():
        model = create(name)
    with pytest.raises(ModelError, match=message) as caught:
        without(model, layer)
    assert "\n" not in str(caught.value)


def test_unknown_layers_and_sizes(alexnet):
    with pytest.raises(UnknownName, match="no layer of alexnet is called 'fc9'; did you mean fc8"):
        without(alexnet, "fc9")
    with pytest.raises(ModelError, match="give image_size"):
        without(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2)), "0")
