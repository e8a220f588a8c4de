"""The recomputed maps against every occluded image computed whole, in double precision."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from striate.errors import ModelError
from striate.layers import LocalResponseNorm, Pool2d
from striate.models import create
from striate.models.efficientnet import InvertedBottleneck, SameConv2d
from striate.models.googlenet import Inception, Widths
from striate.models.resnet import Basic, Bottleneck
from striate.visualize import _occlusion, rectangles
from striate.visualize._occlusion import occlusion, occlusions


@pytest.fixture(autouse=True, scope="module")
def _small_maps_are_worth_it():
    """Copies cost nothing here, or networks this small would be computed in full."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rectangles, "PER_COPY", 0)
        patch.setattr(rectangles, "PER_NUMBER", 1)
        patch.setattr(rectangles, "PER_WEIGHT", 0)
        yield


def compared(model, image, **settings):
    """Both ways, which must agree to the last digits everywhere."""
    found = occlusion(model, image, **settings)
    whole = occlusion(model, image, **settings, incremental=False)
    assert found.incremental
    assert not whole.incremental
    np.testing.assert_allclose(found.probability, whole.probability, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(found.most_probable, whole.most_probable)
    scale = np.abs(whole.activation).max() + 1
    np.testing.assert_allclose(found.activation, whole.activation, rtol=0, atol=1e-10 * scale)
    assert (found.layer, found.channel) == (whole.layer, whole.channel)
    return found


def varied(model):
    """A model whose batch statistics and biases are no zeros and ones."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias)
    return model.double()


class Beside(nn.Module):
    """Branches of one input, joined."""

    def __init__(self, branches, join):
        super().__init__()
        self.branches, self.join = nn.ModuleList(branches), join

    def forward(self, x):
        results = [branch(x) for branch in self.branches]
        if self.join == "cat":
            return torch.cat(results, 1)
        first, second = results
        if self.join == "mul":
            return first * second.sigmoid()
        first += second  # in place
        return F.relu(first, inplace=True)


class Gate(nn.Module):
    """Squeeze and excitation: each map times what all its places say."""

    def __init__(self, channels):
        super().__init__()
        self.full = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.full(x.mean((2, 3), keepdim=True)))


class Scaled(nn.Module):
    """A parameter a channel, every other row, and a view whose size is asked for."""

    def __init__(self, channels):
        super().__init__()
        self.scale = nn.Parameter(torch.randn(channels, 1, 1))

    def forward(self, x):
        x = F.pad((x * self.scale + 0.5)[:, :, ::2, ::1], (1, 0, 0, 2), value=0.7)
        return x.view(x.size(0), x.shape[1], x.size(2), -1).tanh()


def layer(draw, channels):
    """A random layer, and how many channels it gives."""
    integers = lambda low, high: draw(st.integers(low, high))
    kernel, stride, dilation = integers(1, 4), integers(1, 3), integers(1, 2)
    padding = integers(0, kernel // 2)
    both = lambda value: (value, max(value - integers(0, 1), 0))
    kind = draw(st.sampled_from(LAYERS))
    out = 2 * integers(1, 3)
    match kind:
        case "conv":
            window = (kernel, max(kernel - integers(0, 1), 1))
            groups = draw(st.sampled_from([1, 2]))
            conv = nn.Conv2d(
                channels, out, window, (stride, integers(1, 3)), both(padding), dilation, groups,
                bias=draw(st.booleans()),
            )  # fmt: skip
            norm = [nn.BatchNorm2d(out)] if draw(st.booleans()) else []
            return nn.Sequential(conv, *norm, nn.ReLU(inplace=draw(st.booleans()))), out
        case "same":
            return SameConv2d(channels, out, kernel, stride), out
        case "same of torch":
            return nn.Conv2d(channels, out, kernel, padding="same", dilation=dilation), out
        case "max":
            return nn.MaxPool2d(
                kernel, stride, padding, dilation, ceil_mode=draw(st.booleans())
            ), channels  # fmt: skip
        case "average":
            return nn.AvgPool2d(
                kernel, stride, padding, draw(st.booleans()), draw(st.booleans()),
                draw(st.sampled_from([None, 3])),
            ), channels  # fmt: skip
        case "pool of ours":
            way = draw(st.sampled_from(["max", "average"]))
            border = draw(st.sampled_from(["valid", "same", padding]))
            return Pool2d(kernel, kind=way, stride=stride, padding=border), channels
        case "response":
            return draw(
                st.sampled_from([LocalResponseNorm(3, alpha=0.5), nn.LocalResponseNorm(3, 0.5)])
            ), channels  # fmt: skip
        case "norm":
            return nn.BatchNorm2d(channels), channels
        case "activation":
            return draw(
                st.sampled_from([nn.GELU(), nn.PReLU(channels), nn.ReLU6(), nn.Softmax(1)])
            ), channels  # fmt: skip
        case "add" | "mul":
            conv = nn.Conv2d(channels, channels, 3, padding=1)
            return Beside([conv, nn.Identity()], kind), channels
        case "cat":
            five = nn.Conv2d(channels, out, 5, padding=2)
            pool = nn.MaxPool2d(3, 1, 1)
            return Beside([five, pool, nn.Conv2d(channels, 2, 1)], kind), out + channels + 2
        case "gate":
            return Gate(channels), channels
        case _:
            return Scaled(channels), channels


LAYERS = (
    "conv", "conv", "conv", "same", "same of torch", "max", "max", "average", "pool of ours",
    "response", "norm", "activation", "add", "mul", "cat", "gate", "scaled",
)  # fmt: skip


@st.composite
def networks(draw):
    """A random network, an image that fits, and a watched layer."""
    torch.manual_seed(draw(st.integers(0, 9)))
    image = torch.randn(2, draw(st.integers(9, 23)), draw(st.integers(9, 23)), dtype=torch.float64)
    layers, channels = [], 2
    for _ in range(draw(st.integers(1, 6))):
        more, outputs = layer(draw, channels)
        try:
            varied(nn.Sequential(*layers, more)).eval()(image[None])
        except (RuntimeError, ModelError):  # too little is left of the image
            continue
        layers.append(more)
        channels = outputs
    end = [nn.Flatten(), nn.LazyLinear(4)] if draw(st.booleans()) else [
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(4),
    ]  # fmt: skip
    net = nn.Sequential(*layers, *end)
    net.double().eval()(image[None])
    return varied(net), image, str(draw(st.integers(0, max(len(layers) - 1, 0))))


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@settings(max_examples=50)
@given(networks(), st.integers(1, 9), st.integers(1, 4))
def test_random_networks_answer_as_they_do_image_by_image(case, size, stride):
    net, image, watched = case
    compared(net, image, size=size, stride=stride, fill=(0.3, -2.0), layer=watched)


def headed(trunk, channels):
    return varied(nn.Sequential(
        trunk, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * channels, 5)
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("trunk", "channels"),
    [
        (nn.Sequential(Basic(4, 4, 1, "A"), Basic(4, 8, 2, "A"), Basic(8, 8, 1, "A")), 8),
        (nn.Sequential(Bottleneck(4, 2, 1, "B"), Bottleneck(8, 4, 2, "B")), 16),
        (Inception(4, Widths(2, 3, 4, 2, 3, 2), batch_norm=False), 11),
        (Inception(4, Widths(2, 3, 4, 2, 3, 2), batch_norm=True), 11),
        (
            nn.Sequential(
                InvertedBottleneck(4, 6, 6, 5, 2),
                InvertedBottleneck(6, 6, 6, 3, 1),
                InvertedBottleneck(6, 8, 6, 3, 2),
            ),
            8,
        ),
    ],
    ids=["residual A", "bottleneck B", "inception", "inception with norm", "inverted"],
)
def test_blocks_of_the_networks(trunk, channels):
    compared(headed(trunk, channels), torch.randn(4, 21, 26), size=5, stride=3)


@pytest.mark.parametrize("name", ["lenet5", "lenet5_1998", "resnet20"])
def test_small_networks_as_they_are(name):
    channels, side = (3, 32) if name == "resnet20" else (1, 28)
    compared(varied(create(name)), torch.rand(channels, side, side), size=8, stride=6)


@pytest.mark.parametrize(
    "trunk", [Basic(4, 8, 2, "B"), Inception(4, Widths(2, 3, 4, 2, 3, 2), batch_norm=True)]
)
def test_several_images_are_answered_as_each_is_alone(monkeypatch, trunk):
    """Five, of which some share their blocks; classes and watched maps are each one's own."""
    plans, plan_of = [], _occlusion.plan_of
    monkeypatch.setattr(_occlusion, "plan_of", lambda *a: plans.append(plan_of(*a)) or plans[-1])
    monkeypatch.setattr(rectangles, "PER_WEIGHT", 80)
    pool = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AvgPool2d(3, 2, 1, count_include_pad=False))
    model = headed(nn.Sequential(pool, trunk), 8 if isinstance(trunk, Basic) else 11)
    images = torch.randn(5, 3, 23, 26, dtype=torch.float64)
    images[::2] *= -2
    images += 2 * torch.randn(5, 3, 1, 1, dtype=torch.float64)
    settings = {"size": 5, "stride": 3, "fill": (0.3, -2.0, 0.1), "layer": "0.0.0"}
    several = occlusions(model, images, [4, None, 0, 1, None], **settings)
    assert len(plans) > 1
    assert plans[0].images > 1
    assert sum(plan.images for plan in plans) == 5
    assert len({each.channel for each in several}) > 1
    assert [several[n].target for n in (0, 2, 3)] == [4, 0, 1]
    for image, found in zip(images, several, strict=True):
        whole = occlusion(model, image, found.target, **settings, incremental=False)
        assert found.incremental
        np.testing.assert_allclose(found.probability, whole.probability, rtol=0, atol=1e-10)
        np.testing.assert_array_equal(found.most_probable, whole.most_probable)
        np.testing.assert_allclose(found.activation, whole.activation, rtol=0, atol=1e-9)
        assert found.channel == whole.channel
        assert found.clean_probability == pytest.approx(whole.clean_probability)
