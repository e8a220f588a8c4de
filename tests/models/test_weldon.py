"""WELDON: the classifier it is made of, its maps, and maps of pixels out of them."""

import pytest
import torch

from striate.errors import ModelError
from striate.models import create
from striate.models.weldon import weldon
from striate.models.weldon_maps import ABSENT, SHARPNESS, stretched, weldon_maps


def test_vgg16_made_convolutional_has_its_parameters():
    with torch.device("meta"):  # 138,357,544: Simonyan & Zisserman 2015, Table 2, in full
        model = weldon(1000)
        assert sum(one.numel() for one in model.parameters()) == 138_357_544
        images = torch.empty(1, 3, 320, 256)
        assert model(images).shape == (1, 1000)
        assert model.class_maps(images).shape == (1, 1000, 10, 8)


def test_one_region_says_what_the_classifier_says():
    """With one region the sum of strongest and weakest is twice its score."""
    whole = create("vgg11", classes=5).eval()
    model = weldon(5, backbone="vgg11").eval()
    model.fill(whole)
    scores = model.get_submodule("regions.scores")
    with torch.no_grad():
        scores.weight.copy_(whole.fc8.weight[:, :, None, None])
        scores.bias.copy_(whole.fc8.bias)
        images = torch.randn(1, 3, 224, 224)
        middle = model.class_maps(images)[0, :, 3, 3]  # its 7 x 7 places are all that there are
        torch.testing.assert_close(middle, whole(images)[0], rtol=1e-3, atol=1e-4)


def test_full_connections_of_other_grids_are_refused():
    with pytest.raises(ModelError, match="hidden=False"), torch.device("meta"):
        weldon(2, backbone="alexnet_single")


def maps_of(single=True):
    torch.manual_seed(0)
    model = weldon_maps(
        3, backbone="resnet18", last="stage4", labels=3, single=single, regions=2
    ).eval()
    model.belongs[:] = torch.tensor([[0, 1, 0], [0, 1, 0], [0, 0, 1]])
    torch.nn.init.normal_(model.weldon.get_submodule("regions.scores").weight)
    return model


def test_a_map_as_large_as_its_picture():
    found = maps_of()(torch.randn(2, 3, 70, 45))
    assert found.shape == (2, 3, 70, 45)
    assert (found[:, 0] == 0).all()  # the background


def test_only_classes_that_the_labels_say_are_there():
    model = maps_of()
    maps = torch.zeros(1, 3, 2, 2)
    maps[0, 0, 0, 0], maps[0, 1, 1, 1] = 1.0, 0.5  # both of class 1
    there = model.there(torch.tensor([[1.0, 0.5, -1.0]]))
    assert there.tolist() == [[0, 1, 0]]
    classes = model.of_classes(maps, there)
    assert classes[0, 1].tolist() == [[1.0, 0.0], [0.0, 0.5]]
    model.choice.copy_(torch.tensor([0.0, 0.6]))
    logits = model.decided(classes, torch.zeros(1, 1, 2, 2), (2, 2))
    assert logits[0, 1, 0, 0].item() == pytest.approx((1 - 0.6) / SHARPNESS)
    assert logits[0, 1, 1, 1].item() == pytest.approx((0.5 - 0.6) / SHARPNESS)
    assert (logits[0, 2] == ABSENT).all()
    several = maps_of(single=False)
    assert several.there(torch.tensor([[1.0, -1.0, 0.1]])).tolist() == [[0, 1, 1]]
    assert several.there(torch.tensor([[-3.0, -1.0, -0.1]])).tolist() == [[0, 0, 1]]


def test_stretched_from_0_to_1_over_all_maps_of_a_picture():
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])
    assert stretched(maps)[0, :, 0].tolist() == [[0.0, 0.25], [0.5, 1.0]]
    assert (stretched(torch.ones(1, 1, 2, 2)) == 0).all()
