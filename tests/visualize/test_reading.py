"""Layers by name, classes by name, answers that are checked."""

import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.models import create
from striate.ops.receptive import Field
from striate.visualize.reading import (
    answer,
    batch_of,
    chosen,
    class_number,
    differentiating,
    fields_of_layer,
    last_maps,
    layers_of,
    maps_of,
)


def test_layers_are_listed_in_order_with_their_sizes():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    found = layers_of(net, torch.zeros(1, 1, 8, 8))
    assert found == {"0": (2, 6, 6), "1": (2, 6, 6), "2": (2, 3, 3)}


def test_a_layer_that_is_used_again_stands_where_it_was_last_used():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.act, self.a, self.b = nn.ReLU(), nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)

        def forward(self, x):
            return self.act(self.b(self.act(self.a(x))))

    assert list(layers_of(Shared(), torch.zeros(1, 1, 8, 8)).items()) == [
        ("a", (2, 6, 6)),
        ("b", (2, 4, 4)),
        ("act", (2, 4, 4)),
    ]


@pytest.mark.parametrize(
    ("name", "layer"),
    [("resnet20", "stage3"), ("efficientnet_lite0", "head_conv")],
)
def test_the_last_layer_with_places_decides(name, layer):
    net = create(name)
    size = 32 if name == "resnet20" else 224
    assert last_maps(net, torch.zeros(1, 3, size, size)) == layer


def test_no_maps_no_layer():
    with pytest.raises(ModelError, match="no layer with feature maps"):
        last_maps(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(1, 1, 2, 2))


def test_gradients_are_lent_whoever_calls():
    net = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Dropout()).train()
    with torch.inference_mode():
        image = torch.ones(1, 2, 2)
        with differentiating(net):
            x = batch_of(net, image).requires_grad_()
            net(x).sum().backward()
            assert not net.training
    assert x.grad is not None
    assert net.training
    assert net[1].training


def test_fields_do_not_need_what_comes_behind():
    """The full connections refuse such large images; the layers before them do not."""
    net = create("lenet5")
    assert fields_of_layer(net, (1, 64, 64), net.stage_names[1]) == (Field(5, 1, 0),) * 2
    assert fields_of_layer(net, (1, 64, 64), "s2") == (Field(6, 2, 0),) * 2


def test_a_module_that_must_see_numbers():
    class Deciding(nn.Module):
        def forward(self, x):
            return x * 2 if float(x.sum()) > 0 else x

    net = nn.Sequential(nn.Conv2d(1, 1, 3), Deciding())
    assert fields_of_layer(net, (1, 8, 8), "1") == (Field(3, 1, 0),) * 2


def test_answers_are_checked():
    image = torch.zeros(1, 1, 4, 4)
    with pytest.raises(ModelError, match="not logits"):
        answer(nn.Identity(), image)
    with pytest.raises(ModelError, match="not logits"):
        answer(nn.LSTM(4, 2), torch.zeros(1, 3, 4))
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    nn.init.constant_(net[1].bias, float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        answer(net, image)
    with pytest.raises(ModelError, match="gives no feature maps"):
        maps_of(nn.Sequential(nn.Flatten(0)), image, "0")


def test_classes_by_number():
    logits = torch.tensor([[0.0, 3.0, 1.0]])
    net = nn.Identity()
    assert chosen(net, logits, None) == 1
    assert chosen(net, logits, 2) == 2
    for wrong in (3, -1):
        with pytest.raises(ModelError, match=f"classes 0 to 2, not {wrong}"):
            chosen(net, logits, wrong)


def test_classes_by_name():
    assert class_number(["3", "1", "2"], "1") == 1  # a name comes before a number
    with pytest.raises(UnknownName, match="did you mean zebra"):
        class_number(["zebra", "horse"], "zebre")
    many = [f"kind {number}" for number in range(999)] + ["zebra"]
    with pytest.raises(UnknownName, match="did you mean zebra"):
        class_number(many, "ZEBRE")
    with pytest.raises(UnknownName) as error:
        class_number(many, "0000x")
    assert len(str(error.value)) < 200
