"""Every page can be drawn, of any network's findings, and holds what it should."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization
from striate.visualize import (
    activations,
    attribute,
    curves,
    filters,
    occlusion,
    patches,
    project,
    sheets,
)

RULE = Preprocessing(View(16), Normalization((127.5,) * 3, (127.5,) * 3))
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
IMAGE = RULE.tensor(PICTURE[None])


@pytest.fixture
def net():
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 5, 3),
                         nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(5, 9)).eval()  # fmt: skip


def is_page(page):
    return page.ndim == 3 and page.shape[2] == 3 and page.dtype == np.uint8


def test_filters_in_color_and_channel_by_channel(net):
    assert is_page(sheets.of_filters("0", filters(net, "0")))
    assert is_page(sheets.of_filters("3", filters(net, "3")))
    assert is_page(sheets.of_filters("many", np.ones((200, 40, 1, 1), np.float32)))


def test_colored_filters_of_a_network_that_reads_blue_first():
    weights = np.zeros((1, 3, 1, 1), np.float32)
    weights[0, 0] = 1  # the first channel that it reads
    red, blue = (sheets.of_filters("0", weights, bgr=bgr).astype(int) for bgr in (False, True))
    assert (red[..., 0] > red[..., 2] + 100).any()
    assert not (blue[..., 0] > blue[..., 2] + 100).any()


def test_activations_rectified_and_of_both_signs(net):
    for layer in ("1", "3", "7"):
        assert is_page(sheets.of_activations(activations(net, IMAGE, layer), PICTURE))


def test_patches_and_projections(net):
    found = patches(net, torch.cat([IMAGE] * 3), "4", channels=[0, 1], count=2)
    assert is_page(sheets.of_patches(found, RULE))
    back = project(net, IMAGE, "4", channels=[1]).numpy()
    assert is_page(sheets.of_projections("4", PICTURE, [1], [0.5], back))


@pytest.mark.parametrize("method", ["saliency", "guided", "gradcam", "integrated"])
def test_attributions(net, method):
    if method == "integrated":
        pytest.importorskip("captum")
    found = attribute(net, IMAGE, 2, method=method)
    score = curves(net, IMAGE, found.map, 2, steps=3)
    with_curves = sheets.of_attribution(found, PICTURE, label="cat", score=score)
    assert is_page(with_curves)
    assert is_page(sheets.of_attribution(found, PICTURE, label="cat"))


def test_occlusion_with_more_classes_than_colors(net):
    found = occlusion(net, IMAGE, 1, size=4, stride=2, incremental=False)
    from dataclasses import replace

    kinds = np.arange(found.most_probable.size).reshape(found.most_probable.shape) % 9
    for most_probable in (found.most_probable, kinds):
        page = sheets.of_occlusion(replace(found, most_probable=most_probable), PICTURE,
                                   classes=[f"kind {n}" for n in range(9)])  # fmt: skip
        assert is_page(page)


def test_a_map_that_is_all_zero_is_drawn():
    dead = nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    nn.init.zeros_(dead[0].weight)
    nn.init.constant_(dead[0].bias, -1)
    assert is_page(sheets.of_activations(activations(dead, IMAGE, "1"), PICTURE))
    assert is_page(sheets.of_attribution(attribute(dead, IMAGE, 0), PICTURE, label="nothing"))
