"""The weights that a backbone starts with: published ones, none, those of a file."""

import pytest
import torch

from striate.errors import UnknownName, WeightsError
from striate.models import create, entry
from striate.models.faster_rcnn import faster_rcnn
from striate.tasks.backbones import (
    fill,
    find_weights,
    normalization_for,
    trained_weights,
)
from striate.tasks.contract import PUBLISHED, Ask
from striate.tensors import save_tensors

LITE = "efficientnet_lite0"


def test_names() -> None:
    assert trained_weights(LITE, PUBLISHED) == "imagenet"
    assert trained_weights("resnet20", PUBLISHED) == "cifar10"
    assert trained_weights(LITE, None) is None
    assert trained_weights(LITE, "a.pth") == "a.pth"
    with pytest.raises(WeightsError, match=r"no weights are published for zfnet; give --weights"):
        trained_weights("zfnet", PUBLISHED)


def test_they_are_found_before_any_work(tmp_path) -> None:
    find_weights(LITE, Ask(weights=None))
    find_weights("resnet18", Ask(network=LITE, weights=None))
    with pytest.raises(WeightsError, match="no weight file"):
        find_weights(LITE, Ask(weights=tmp_path / "absent.pth"))
    with pytest.raises(UnknownName, match="set of weights for resnet18 is called 'imagnet'"):
        find_weights("resnet18", Ask(weights="imagnet"))
    with pytest.raises(WeightsError, match="zfnet"):
        find_weights(LITE, Ask(network="zfnet"))


def test_normalization() -> None:
    assert normalization_for(LITE, None) == entry(LITE).normalization
    assert normalization_for("resnet18", "imagenet") == entry("resnet18").normalization


def test_a_file_fills_the_backbone_and_the_full_connections_of_vgg(tmp_path) -> None:
    with torch.device("meta"):  # random weights by the half gigabyte take seconds
        network = create("vgg11", classes=4, image_size=224)
        model = faster_rcnn("vgg11", classes=2, pyramid=False)
    network.to_empty(device="cpu")
    model.to_empty(device="cpu")
    for number, value in enumerate(network.state_dict().values(), start=1):
        steps = torch.arange(value.numel(), dtype=value.dtype)  # a part moved or left out shows
        value.copy_(steps.view(value.shape)).add_(number)
    path = tmp_path / "vgg.safetensors"
    save_tensors(path, network.state_dict(), {})
    fill(model, "vgg11", path)
    whole = network.state_dict()
    for name, value in model.backbone.stages.state_dict().items():
        assert torch.equal(value, whole[name]), name
    assert torch.equal(model.head.fc6.weight, whole["fc6.0.weight"])
    assert torch.equal(model.head.fc7.bias, whole["fc7.0.bias"])
    other = faster_rcnn("vgg11", classes=2, width=8, hidden=8)  # of other sizes
    fill(other, "vgg11", path)
    assert other.head.fc6.weight.shape == (8, 8 * 49)
