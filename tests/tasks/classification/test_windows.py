"""Crops, scales and dense windows, by pencil and against loops that cut every window out."""

import numpy as np
import pytest
import torch
from torch import nn

from striate import images
from striate.errors import ModelError, UserError
from striate.images import View
from striate.inference import Preprocessing
from striate.models import Normalization, create
from striate.tasks.classification.network import Network
from striate.tasks.classification.windows import (
    Prepared,
    Windowed,
    Windows,
    cut,
)
from striate.tasks.labels.calibration import Calibration


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


def answered(mine, scales, which):
    """Mean probabilities (N, classes) over the windows of pictures (N, S, S, C) at each scale."""
    size = mine.preprocessing.view.size
    batch = [
        Prepared(scaled[0][:size, :size], tuple(np.ascontiguousarray(each) for each in scaled))
        for scaled in zip(*scales, strict=True)
    ]
    return np.stack([one.probabilities for one in Windowed(mine, which).predict(batch)])


def test_sides_are_the_papers_or_those_that_are_asked_for():
    assert Windows(crops=10).sides(224) == (256,)
    assert Windows(crops=144).sides(224) == (256, 288, 320, 352)
    assert Windows(crops=144).sides(112) == (128, 144, 160, 176)
    assert Windows(scales=(240, 300)).sides(224) == (240, 300)
    assert Windows(dense=True).sides(32) == (37,)
    with pytest.raises(ModelError, match="a square of 200 pixels holds no window of 224"):
        Windows(scales=(200,)).sides(224)


def places(height, width):
    """A picture (height, width, 1) whose pixel at (y, x) is 10 y + x."""
    return (10 * np.arange(height)[:, None] + np.arange(width)).astype(np.uint8)[:, :, None]


def corners(windows):
    """The upper left pixels as they are in `places`: "yx"."""
    return [f"{int(window[0, 0, 0]):02d}" for window in windows]


def test_one_crop_is_the_center_and_ten_the_corners_too():
    picture = places(6, 6)
    assert corners(cut(picture, 2, 1)) == ["22"]
    assert corners(cut(picture, 2, 10)) == ["00", "04", "40", "44", "22"]  # mirrored later


def test_fifty_crops_are_five_rows_of_five_over_the_whole_picture():
    """VGG, Section 3.2: of 6 x 10 pixels windows of 2 begin at 0, 1, 2, 3, 4 and 0, 2, 4, 6, 8."""
    expected = [f"{y}{x}" for y in range(5) for x in (0, 2, 4, 6, 8)]
    assert corners(cut(places(6, 10), 2, 50)) == expected


@pytest.mark.parametrize("turned", [False, True])
def test_144_crops_are_three_squares_with_corners_center_and_all_of_it(turned):
    """GoogLeNet, Section 7: 6 crops of 3 squares; of 4 x 8 pixels the squares begin at 0, 2, 4."""
    picture = places(4, 8)
    if turned:
        picture = np.ascontiguousarray(picture.swapaxes(0, 1))
    windows = list(cut(picture, 2, 144))
    assert len(windows) == 144 / 2 / 4  # mirror images and four scales
    assert {window.shape for window in windows} == {(2, 2, 1)}
    found = iter(windows)
    for first in (0, 2, 4):
        *five, all_of_it = (next(found) for _ in range(6))
        middle = f"1{first + 1}"
        if turned:
            places_ = [f"0{first}", f"2{first}", f"0{first + 2}", f"2{first + 2}", middle]
        else:
            places_ = [f"0{first}", f"0{first + 2}", f"2{first}", f"2{first + 2}", middle]
        assert corners(five) == places_
        square = picture[first : first + 4] if turned else picture[:, first : first + 4]
        view = View(2, channels=1, fit="squash")
        np.testing.assert_array_equal(all_of_it, images.apply(np.repeat(square, 3, 2), view))


def test_the_whole_picture_is_read_where_the_network_reads_squares_of_it():
    """A picture twice as wide as high, whose right end alone is bright."""
    mine = predictor()
    mine.preprocessing = Preprocessing(View(32, channels=1), mine.preprocessing.normalization)
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, 112:] = 255
    for which in (Windows(dense=True), Windows(crops=50), Windows(crops=144)):
        prepared = Windowed(mine, which).prepare(pixels)
        for scaled, side in zip(prepared.scaled, which.sides(32), strict=True):
            assert scaled.shape == (side, 2 * side, 1)
            assert scaled[:, -1].min() == 255
        assert prepared.view.shape == (32, 32, 1)
    (square,) = Windowed(mine, Windows(crops=10)).prepare(pixels).scaled
    assert square.shape == (37, 37, 1)
    assert not square.any()  # its center alone


def test_dense_averages_over_all_places_of_a_picture_that_is_no_square():
    mine = predictor()
    which = Windows(dense=True, scales=(36,))
    pixels = np.random.default_rng(0).integers(0, 256, (36, 44, 1), dtype=np.uint8)
    found = answered(mine, [[pixels]], which)
    expected = [
        mine.answers(np.ascontiguousarray(image[None, top : top + 32, left : left + 32]))[0]
        for image in (pixels, pixels[:, ::-1])
        for top in (0, 4)
        for left in (0, 4, 8, 12)
    ]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)
    most = np.mean(
        [np.max(expected[:8], axis=0), np.max(expected[8:], axis=0)], axis=0
    )  # each class at its best place
    found = answered(mine, [[pixels]], Windows(dense=True, scales=(36,), places="max"))
    np.testing.assert_allclose(found, most / most.sum(1, keepdims=True), atol=1e-5)


def test_every_offset_is_the_classifier_on_poolings_that_begin_at_each():
    """OverFeat, Section 3.3, on LeNet-5, which pools by 2 and reads 5 x 5 of what is pooled."""
    mine = predictor()
    which = Windows(dense=True, scales=(40,), offsets=True)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 44, 1), dtype=np.uint8)
    stages = dict(mine.model.stages())
    expected = []
    for image in (pixels, pixels[:, ::-1].copy()):
        x = mine.preprocessing.tensor(image[None])
        with torch.no_grad():
            for name in ("c1", "s2", "c3"):
                x = stages[name](x)
            assert x.shape[2:] == (14, 16)
            for down in (0, 1):
                for right in (0, 1):
                    pooled = stages["s4"](x[:, :, down:, right:])
                    rows, columns = (side - 4 for side in pooled.shape[2:])
                    for top in range(rows):
                        for left in range(columns):
                            part = pooled[:, :, top : top + 5, left : left + 5].flatten(1)
                            for name in ("c5", "f6", "output"):
                                part = stages[name](part)
                            expected.append(mine.calibration(part).numpy())
    assert len(expected) == 2 * 5 * 7  # of 14 - 2 * 5 + 1 rows, 16 - 2 * 5 + 1 columns
    found = answered(mine, [[pixels]], which)
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-5)


def test_what_windows_cannot_be_had_of():
    mine = predictor("resnet18", size=32)
    with pytest.raises(ModelError, match="no last pooling that could begin at several offsets"):
        Windowed(mine, Windows(dense=True, offsets=True))
    with pytest.raises(UserError, match="computed by torch: leave them out"):
        Windowed(Windowed(mine, Windows(crops=10)), Windows(crops=10))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crops": 5}, "1, 10, 50 or 144, not 5"),
        ({"crops": 10, "dense": True}, "every window already"),
        ({"scales": (0,)}, "not 0"),
        ({"offsets": True}, "ask for it, too"),
        ({"places": "max"}, "ask for it, too"),
        ({"places": "least", "dense": True}, "mean or max"),
    ],
)
def test_senseless_looks(settings, message):
    with pytest.raises(ValueError, match=message):
        Windows(**settings)


def test_ten_crops_are_four_corners_the_center_and_their_mirror_images():
    mine = predictor()
    pixels = pictures(37)
    found = answered(mine, [pixels], Windows(crops=10))
    expected = []
    for top, left in ((0, 0), (0, 5), (5, 0), (5, 5), (2, 2)):
        window = pixels[:, top : top + 32, left : left + 32]
        expected += [mine.answers(window)[0], mine.answers(window[:, :, ::-1].copy())[0]]
    np.testing.assert_allclose(found, np.mean(expected, axis=0), atol=1e-6)


def test_scales_are_averaged():
    mine = predictor()
    which = Windows(scales=(32, 40))
    small, large = pictures(32), pictures(40, seed=1)
    center = large[:, 4:36, 4:36]
    expected = (mine.answers(small)[0] + mine.answers(center)[0]) / 2
    np.testing.assert_allclose(answered(mine, [small, large], which), expected, atol=1e-6)


def test_dense_is_the_mean_over_all_windows_and_their_mirror_images():
    """LeNet-5 pads nothing and steps by 4: of 44 pixels 4 x 4 windows of 32."""
    mine = predictor()
    which = Windows(scales=(44,), dense=True)
    pixels = pictures(44)
    found = answered(mine, [pixels], which)
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
    found = answered(mine, [pixels], which)
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
    pixels = pictures(163, count=2)
    found = answered(mine, [pixels], which)
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
    answered(mine, [pictures(37)], Windows(dense=True))
    assert mine.model.image_size == size
    for name, tensor in mine.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_other_networks_do_not_slide():
    mine = predictor()
    other = Network.own(nn.Sequential(nn.Flatten(), nn.Linear(1024, 4)), mine.preprocessing, 4)
    with pytest.raises(ModelError, match="networks of `striate models`"):
        Windowed(other, Windows(dense=True))
