"""The twelve networks of torchvision: their state dicts load by name and give their logits."""

import json

import numpy as np
import pytest
import torch

from striate.models import create, load_weights
from striate.models.layouts import LAYOUTS, RESNET, translate
from striate.models.skeletons import skeleton

OURS = {"alexnet": "alexnet_single", "googlenet": "googlenet_bn"}
NAMES = [
    *("alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg16_bn", "googlenet"),
    *("resnet18", "resnet34", "resnet50", "resnet101", "resnet152"),
]
# Filling 100 million float64 weights takes seconds; benchmarks/published_weights.py does all.
QUICK = ("googlenet", "resnet18", "resnet50")


def tensor(number, key, shape):
    """Tensor `number` of a state dict, by the rule that the reference states."""
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    values = np.random.RandomState(number).standard_normal(shape)
    if len(shape) >= 2:
        values *= np.sqrt(2 / np.prod(shape[1:]))
    elif key.endswith("running_var"):
        values = 1 + 0.1 * abs(values)
    elif key.endswith(".weight"):
        values = 1 + 0.1 * values
    else:
        values = 0.1 * values
    return torch.from_numpy(values)


@pytest.mark.parametrize("name", NAMES)
def test_keys_and_shapes_are_exactly_ours(name, shared):
    network = json.loads(shared("reference/torchvision.json").read_text())["networks"][name]
    ours = OURS.get(name, name)
    with skeleton():
        model = create(ours)
    layout = LAYOUTS["resnet" if name.startswith("resnet") else ours]
    names = translate([key for key, _ in network["state"]], layout)
    theirs = {names[key]: tuple(shape) for key, shape in network["state"]}
    assert theirs == {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert sum(p.numel() for p in model.parameters()) == network["parameters"]


@pytest.mark.parametrize("name", QUICK)
def test_the_same_logits(name, shared, tmp_path):
    network = json.loads(shared("reference/torchvision.json").read_text())["networks"][name]
    state = {
        key: tensor(number, key, tuple(shape))
        for number, (key, shape) in enumerate(network["state"])
    }
    torch.save(state, tmp_path / "weights.pth")
    model = create(OURS.get(name, name)).double()
    load_weights(model, tmp_path / "weights.pth").eval()
    image = torch.from_numpy(np.random.RandomState(12345).standard_normal((1, 3, 224, 224)))
    with torch.inference_mode():
        logits = model(image)[0]
    expected = torch.tensor(network["logits"], dtype=torch.float64)
    torch.testing.assert_close(logits[:16], expected, rtol=1e-6, atol=1e-6)
    assert logits.mean().item() == pytest.approx(network["logits_mean"], rel=1e-6)
    assert logits.std().item() == pytest.approx(network["logits_std"], rel=1e-6)


def test_longest_prefix_wins_and_the_rest_stays():
    names = translate(["layer2.0.downsample.1.bias", "layer2.1.bn1.bias", "other.bias"], RESNET)
    assert list(names.values()) == ["stage2.0.shortcut.1.bias", "stage2.1.bn1.bias", "other.bias"]
    assert translate(["module.linear.weight"], RESNET) == {"module.linear.weight": "fc.weight"}
