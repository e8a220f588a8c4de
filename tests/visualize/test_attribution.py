"""Attributions: by hand where the network is linear, beside Captum where Captum is right."""

import builtins

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from striate.errors import MissingExtra, ModelError, UnknownName
from striate.models import create
from striate.visualize.attribution import attribute, blurred, curves


def linear() -> nn.Sequential:
    """Three classes of 2 x 2 pixels in two channels: the weights are the gradient."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(8, 3, bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.arange(24.0).view(3, 8) - 10)
    return net


def convolutional() -> nn.Sequential:
    torch.manual_seed(4)
    return nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(6, 5, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(5, 4)).eval()  # fmt: skip


def test_the_saliency_of_a_linear_network_is_its_weights():
    found = attribute(linear(), torch.ones(2, 2, 2), 1, method="saliency")
    # Weights -2 ... 1 of the first channel and 2 ... 5 of the second: the larger of each pair.
    assert found.map.tolist() == [[2, 3], [4, 5]]
    assert found.pixels[0].tolist() == [[-2, -1], [0, 1]]
    assert attribute(linear(), torch.ones(2, 2, 2), method="saliency").target == 2


def test_integrated_gradients_of_a_linear_network_are_weights_times_pixels():
    pytest.importorskip("captum")
    image = torch.arange(8.0).view(2, 2, 2)
    found = attribute(linear(), image, 1, method="integrated")
    weights = torch.arange(-2.0, 6).view(2, 2, 2)
    np.testing.assert_allclose(found.map, (weights * image).sum(0), rtol=1e-5)
    assert found.signed
    baseline = torch.ones(2, 2, 2)
    other = attribute(linear(), image, 1, method="integrated", baseline=baseline)
    np.testing.assert_allclose(other.map, (weights * (image - 1)).sum(0), rtol=1e-5, atol=1e-5)


def test_grad_cam_by_hand():
    """Two maps: the image and its negative. The class reads 3 of the first mean, -1 of the second;
    so the weights are 3 / 4 and -1 / 4, and the sum is the image, for its sides are 2."""
    net = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                        nn.Linear(2, 1, bias=False))  # fmt: skip
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([1.0, -1])[:, None, None, None])
        net[3].weight.copy_(torch.tensor([[3.0, -1]]))
    image = torch.tensor([[[1.0, -2], [3, 4]]])
    found = attribute(net, image, 0)
    assert found.layer == "0"
    np.testing.assert_allclose(found.map, [[1, 0], [3, 4]])  # rectified


def test_saliency_and_grad_cam_agree_with_captum_where_all_is_out_of_place():
    captum = pytest.importorskip("captum.attr")
    net, image = convolutional(), torch.randn(1, 3, 16, 16)
    theirs = captum.Saliency(net).attribute(image.clone().requires_grad_(), target=2)
    ours = attribute(net, image, 2, method="saliency")
    np.testing.assert_allclose(ours.map, theirs[0].amax(0), rtol=1e-5)
    cam = captum.LayerGradCam(net, net[4]).attribute(image, target=2, relu_attributions=True)
    expected = F.interpolate(cam, size=(16, 16), mode="bilinear", align_corners=False)
    found = attribute(net, image, 2)
    assert found.layer == "4"
    np.testing.assert_allclose(found.map, expected[0, 0].detach(), rtol=1e-4, atol=1e-7)


def test_in_place_rectifiers_change_nothing():
    net = convolutional()
    other = nn.Sequential(*net)
    other[1], other[4] = nn.ReLU(inplace=True), nn.ReLU(inplace=True)
    image = torch.randn(1, 3, 16, 16)
    for method in ("saliency", "guided", "gradcam"):
        one, two = (attribute(n, image, 1, method=method) for n in (net, other))
        np.testing.assert_array_equal(one.map, two.map)
    one, two = (attribute(n, image, 1, layer="3") for n in (net, other))
    np.testing.assert_array_equal(one.map, two.map)  # what stands before the rectifier, as it was


@pytest.mark.parametrize("method", ["saliency", "guided", "gradcam", "integrated"])
@pytest.mark.parametrize("name", ["resnet20", "efficientnet_lite0"])
def test_a_trunk_that_is_frozen_answers_as_before(name, method):
    if method == "integrated":
        pytest.importorskip("captum")
    net = create(name, classes=3)
    image = torch.randn(3, 32, 32)
    free = attribute(net, image, 1, method=method)
    net.requires_grad_(False)
    net.train()
    frozen = attribute(net, image, 1, method=method)
    np.testing.assert_allclose(frozen.map, free.map, rtol=1e-4, atol=1e-9)
    assert free.map.shape == (32, 32)
    assert all(module.training for module in net.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_hooks_are_given_back_after_an_error():
    net = convolutional()
    with pytest.raises(ModelError, match="no feature maps"):
        attribute(net, torch.randn(3, 16, 16), layer="7")
    assert not any(module._forward_hooks for module in net.modules())


def test_mistakes(monkeypatch):
    net, image = convolutional(), torch.randn(3, 16, 16)
    with pytest.raises(UnknownName, match="did you mean gradcam"):
        attribute(net, image, method="grad-cam")
    with pytest.raises(UnknownName, match="no layer of Sequential"):
        attribute(net, image, layer="conv9")
    with pytest.raises(ModelError, match="classes 0 to 3, not 4"):
        attribute(net, image, 4)
    with pytest.raises(ModelError, match="not finite"):
        attribute(net, image * float("nan"))
    hard = nn.Sequential(net, nn.Module())
    hard[1].forward = lambda x: (x.detach() > 0).float()
    with pytest.raises(ModelError, match="no gradient"):
        attribute(hard, image, method="saliency")
    aside = nn.Sequential(net)
    aside.beside = nn.Conv2d(3, 3, 1)
    aside.forward = lambda x: net(x)
    with pytest.raises(ModelError, match="takes no part"):
        attribute(aside, image, layer="beside")

    original = builtins.__import__

    def without_captum(name, *rest):
        if name.startswith("captum"):
            raise ImportError(name)
        return original(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_captum)
    with pytest.raises(MissingExtra, match=r"striate\[explain\]"):
        attribute(net, image, method="integrated")


def test_curves_by_hand():
    """Class 1 reads the first pixel alone: its logit is 10 as long as the pixel is there."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.tensor([[0.0, 0, 0, 0], [10, 0, 0, 0]]))
    image = torch.tensor([[[1.0, 0], [0, 0]]])
    right, wrong = np.array([[1.0, 0], [0, 0]]), np.array([[0, 1.0], [1, 1]])
    high = 1 / (1 + np.exp(-10))
    good = curves(net, image, right, 1, steps=4)
    np.testing.assert_allclose(good.shares, [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(good.deletion, [high, 0.5, 0.5, 0.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(good.insertion[1:], [high] * 4, rtol=1e-5)
    bad = curves(net, image, wrong, 1, steps=4)
    np.testing.assert_allclose(bad.deletion, [high, high, high, high, 0.5], rtol=1e-5)
    assert good.deletion_area == pytest.approx((high + 0.5) / 2 * 0.25 + 0.5 * 0.75, rel=1e-5)
    assert good.deletion_area < bad.deletion_area
    assert good.insertion_area > bad.insertion_area


def test_curves_take_maps_of_any_size():
    net = convolutional()
    image = torch.randn(3, 16, 16)
    found = curves(net, image, np.random.default_rng(0).random((4, 4)), steps=5, batch_size=2)
    assert len(found.shares) == len(found.deletion) == len(found.insertion) == 6
    with torch.no_grad():
        whole = pytest.approx(float(net(image[None]).softmax(1).max()), rel=1e-5)
    assert found.deletion[0] == whole
    assert found.insertion[-1] == whole
    for wrong in (np.zeros((4, 4, 3)), np.full((4, 4), np.nan)):
        with pytest.raises(ModelError, match="a map is"):
            curves(net, image, wrong)


def test_blur_keeps_the_mean_and_is_a_gaussian():
    flat = torch.full((1, 2, 9, 7), 3.0)
    torch.testing.assert_close(blurred(flat, 2.0), flat)
    point = torch.zeros(1, 1, 31, 31)
    point[0, 0, 15, 15] = 1
    spread = blurred(point, 2.0)[0, 0]
    assert float(spread[15, 17] / spread[15, 15]) == pytest.approx(np.exp(-(2**2) / 8), rel=1e-5)
    assert float(spread.sum()) == pytest.approx(1, rel=1e-5)
