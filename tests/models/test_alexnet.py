"""AlexNet: the paper's own numbers (row C2)."""

import pytest
import torch
from torch import nn

from striate.models import create, describe
from striate.models.skeletons import skeleton


def on_meta(name, **options):
    with skeleton():
        return create(name, **options).eval()


def weighted(model):
    return [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def test_alexnet_has_650_thousand_neurons():
    description = describe("alexnet")
    assert description.layers[0].output == (96, 55, 55)
    assert torch.Size(description.layers[0].output).numel() == 290_400
    assert description.neurons == 659_272  # "650,000" (abstract)
    assert description.layers[0].parameters == 34_944
    assert len(weighted(on_meta("alexnet"))) == 8


def test_alexnets_biases_start_at_one_where_the_paper_says():
    model = create("alexnet", classes=2, image_size=99)
    ones = {name for name, stage in model.stages() for m in stage.modules()
            if isinstance(m, nn.Conv2d | nn.Linear) and m.bias.mean() == 1}  # fmt: skip
    assert ones == {"conv2", "conv4", "conv5", "fc6", "fc7"}
    assert model.fc7[0].weight.std().item() == pytest.approx(0.01, rel=0.01)


def test_alexnets_two_towers_meet_only_in_conv3():
    model = create("alexnet", image_size=99).eval()
    x = torch.randn(1, 96, 9, 9)
    changed = x.clone()
    changed[:, :48] += 1
    first, second = model.conv2[0](x), model.conv2[0](changed)
    assert torch.equal(first[:, 128:], second[:, 128:])
    assert not torch.equal(first[:, :128], second[:, :128])
