"""Ten crops, scales and dense windows, against loops that cut every window out."""

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import ModelError
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.tasks.classification.calibration import Calibration
from striate.tasks.classification.network import Network
from striate.tasks.classification.windows import Windows, over_windows


def predictor(name="lenet5", size=32, classes=4, **options):
    torch.manual_seed(0)
    model = create(name, classes=classes, channels=1, **options).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter *= 2  # surer of something
    view = View(size, channels=1, fit="squash")
    rule = Preprocessing(view, Normalization((33.0,), (78.0,)))
    return Network(
        model=model,
        architecture={"name": name, "options": options},
        preprocessing=rule,
        classes=classes,
        calibration=Calibration(1.5),
    )


def pictures(side, count=3, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, side, side, 1), dtype=np.uint8)


def test_what_is_decoded():
    view = View(224)
    assert Windows().views(view) == (view,)
    assert Windows(crops=10).views(view) == (View(256, fraction=1.0),)
    assert Windows(scales=(240, 300)).views(view) == (
        View(240, fraction=1.0),
        View(300, fraction=1.0),
    )
    assert Windows(dense=True).views(View(32, 1, "squash")) == (View(37, 1, "squash", 1.0),)
    with pytest.raises(ModelError, match="a square of 200 pixels holds no window of 224"):
        Windows(scales=(200,)).views(view)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crops": 5}, "1 or 10, not 5"),
        ({"crops": 10, "dense": True}, "every window already"),
        ({"scales": (0,)}, "not 0"),
    ],
)
def test_senseless_looks(settings, message):
    with pytest.raises(ValueError, match=message):
        Windows(**settings)


def test_one_window_is_what_the_predictor_answers():
    mine = predictor()
    pixels = pictures(32)
    found = over_windows(mine, {mine.preprocessing.view: pixels}, Windows())
    np.testing.assert_array_equal(found, mine.answers(pixels)[0])


def test_ten_crops_are_four_corners_the_center_and_their_mirror_images():
    mine = predictor()
    pixels = pictures(37)
    (view,) = Windows(crops=10).views(mine.preprocessing.view)
    found = over_windows(mine, {view: pixels}, Windows(crops=10), batch_size=2)
    expected = []
    for top, left in ((0, 0), (0, 5), (5, 0), (5, 5), (2, 2)):
        window = pixels[:, top : top + 32, left : left + 32]
        expected += [mine.answers(window)[0], mine.answers(window[:, :, ::-1].copy())[0]]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-6)


def test_scales_are_averaged():
    mine = predictor()
    which = Windows(scales=(32, 40))
    small, large = which.views(mine.preprocessing.view)
    pixels = {small: pictures(32), large: pictures(40, seed=1)}
    center = pixels[large][:, 4:36, 4:36]
    expected = (mine.answers(pixels[small])[0] + mine.answers(center)[0]) / 2
    np.testing.assert_allclose(over_windows(mine, pixels, which), expected, atol=1e-6)


def test_dense_is_the_mean_over_all_windows_and_their_mirror_images():
    """LeNet-5 pads nothing and steps by 4: of 44 pixels 4 x 4 windows of 32."""
    mine = predictor()
    which = Windows(scales=(44,), dense=True)
    (view,) = which.views(mine.preprocessing.view)
    pixels = pictures(44)
    found = over_windows(mine, {view: pixels}, which)
    expected = []
    for image in (pixels, pixels[:, :, ::-1]):
        for top in range(0, 13, 4):
            for left in range(0, 13, 4):
                window = np.ascontiguousarray(image[:, top : top + 32, left : left + 32])
                expected.append(mine.answers(window)[0])
    assert len(expected) == 32
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)
    assert found.max() > 0.3  # not all alike


def test_dense_of_a_network_that_pools_over_all_places():
    """A mean over the map becomes one over windows of its built size: ResNet's way, unpadded."""
    torch.manual_seed(0)
    from striate.models.stages import Stages

    model = Stages(
        {
            "conv1": nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()),
            "pool1": nn.MaxPool2d(2),
            "conv2": nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU()),
            "pooled": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
            "fc": nn.Linear(6, 3),
        },
        channels=1,
    ).eval()
    view = View(16, channels=1, fit="squash")
    rule = Preprocessing(view, Normalization((128.0,), (64.0,)))
    mine = Network.own(model, rule, 3)
    which = Windows(scales=(20,), dense=True)
    pixels = pictures(20)
    found = over_windows(mine, {which.views(view)[0]: pixels}, which)
    expected = [
        mine.answers(np.ascontiguousarray(image[:, top : top + 16, left : left + 16]))[0]
        for image in (pixels, pixels[:, :, ::-1])
        for top in (0, 2, 4)
        for left in (0, 2, 4)
    ]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)


def test_dense_of_a_network_that_pads_is_its_classifier_on_every_part_of_the_map():
    """AlexNet for 99 pixels decides from 2 x 2 of its last map; a picture of 163 has 4 x 4."""
    mine = predictor("alexnet_single", size=99, image_size=99)
    which = Windows(scales=(163,), dense=True)
    (view,) = which.views(mine.preprocessing.view)
    pixels = pictures(163, count=2)
    found = over_windows(mine, {view: pixels}, which)
    stages = dict(mine.model.stages())
    names = list(stages)
    place = names.index("flatten")
    expected = []
    for image in (pixels, pixels[:, :, ::-1].copy()):
        x = mine.preprocessing.tensor(image)
        with torch.no_grad():
            for name in names[:place]:
                if name != "adapt":
                    x = stages[name](x)
            assert x.shape[2:] == (4, 4)
            for top in range(3):
                for left in range(3):
                    part = x[:, :, top : top + 2, left : left + 2]
                    for name in names[place:]:
                        part = stages[name](part)
                    expected.append(mine.calibration(part).numpy())
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the windows say different things


def test_the_predictor_is_left_as_it_was():
    mine = predictor()
    before = {name: tensor.clone() for name, tensor in mine.model.state_dict().items()}
    size = mine.model.image_size
    (view,) = Windows(dense=True).views(mine.preprocessing.view)
    over_windows(mine, {view: pictures(37)}, Windows(dense=True))
    assert mine.model.image_size == size
    for name, tensor in mine.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_other_networks_do_not_slide():
    mine = predictor()
    other = Network.own(nn.Sequential(nn.Flatten(), nn.Linear(1024, 4)), mine.preprocessing, 4)
    (view,) = Windows(dense=True).views(mine.preprocessing.view)
    with pytest.raises(ModelError, match="networks of `striate models`"):
        over_windows(other, {view: pictures(37)}, Windows(dense=True))
