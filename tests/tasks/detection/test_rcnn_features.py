"""What R-CNN reads: crops with context by hand, features of one crop and of many, headers."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from striate.handcrafted.selective_search import Strategies
from striate.models import create
from striate.models.stages import Stages
from striate.tasks.detection.rcnn_features import READ, Eye, Looking, Reader, warped

GRAY = (1.0, 2.0, 3.0)
SMALL = Looking(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


def ramp(height: int = 60, width: int = 90) -> np.ndarray:
    """Red is x, green is y, both in pixels from the left upper edge."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 77)], 2).astype(np.uint8)


def test_context_is_16_of_227_pixels_at_each_edge() -> None:
    # A box of 195 pixels fills 195 of 227, so the crop is the picture itself, 16 around.
    picture = np.random.default_rng(0).integers(0, 256, (240, 250, 3), dtype=np.uint8)
    ((crop,),) = warped(picture, [(16, 16, 211, 211)], Looking(side=227), GRAY)
    np.testing.assert_array_equal(crop, picture[:227, :227])


def test_a_crop_is_warped_whatever_its_shape() -> None:
    ((crop,),) = warped(ramp(), [(20, 10, 60, 20)], Looking(side=64), GRAY)
    # The box is the middle 64 * 195 / 227 = 55 pixels of the crop: 40 pixels wide, 10 high.
    assert crop.shape == (64, 64, 3)
    middle = (crop[31, 31, :2].astype(float) + crop[32, 32, :2]) / 2
    np.testing.assert_allclose(middle, [39.5, 14.5], atol=1)
    across, down = crop[32, 42, 0] - crop[32, 22, 0], int(crop[42, 32, 1]) - crop[22, 32, 1]
    assert across == pytest.approx(20 * 40 / 55, abs=1)
    assert down == pytest.approx(20 * 10 / 55, abs=1)


def test_beyond_the_picture_it_is_gray() -> None:
    ((crop,),) = warped(ramp(), [(0, 0, 90, 60)], Looking(side=227), GRAY)
    assert crop[3, 100].tolist() == [1, 2, 3]
    assert crop[-3, 100].tolist() == [1, 2, 3]
    assert crop[100, 3].tolist() == [1, 2, 3]
    assert crop[100, -3].tolist() == [1, 2, 3]
    assert crop[113, 113, 2] == 77


def test_a_large_picture_is_scaled_down_first() -> None:
    boxes = [(20.0, 10.0, 60.0, 50.0)]
    (whole,) = warped(ramp(), boxes, Looking(side=16), GRAY)
    (less,) = warped(ramp(), boxes, Looking(side=16, largest=45), GRAY)
    assert np.abs(whole.astype(int) - less).max() <= 3


@pytest.fixture(scope="module")
def reader() -> Reader:
    torch.manual_seed(0)
    return Reader.of("efficientnet_lite0", None, SMALL)


def test_features_are_the_stages_of_the_network(reader: Reader) -> None:
    boxes = torch.tensor([[5.0, 5.0, 50.0, 40.0], [0.0, 0.0, 90.0, 60.0], [80.0, 1.0, 81.0, 2.0]])
    found = reader.features(ramp(), boxes)
    network = create("efficientnet_lite0").eval()
    assert isinstance(network, Stages)
    network.load_state_dict(
        {name.removeprefix("trunk.stages."): v for name, v in reader.eye.state_dict().items()},
        strict=False,
    )  # fmt: skip
    (cut,) = warped(ramp(), boxes.tolist(), SMALL, (127.0, 127.0, 127.0))
    crops = torch.from_numpy(cut)
    with torch.no_grad():
        maps = network.features((crops.permute(0, 3, 1, 2).float() - 127) / 128)
    expected = torch.cat(
        [
            torch.nn.functional.adaptive_avg_pool2d(maps[stage], cells).flatten(1)
            for stage, _, cells in READ["efficientnet_lite0"]
        ],
        1,
    )
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    # and each by itself is the same
    torch.testing.assert_close(
        reader.features(ramp(), boxes[1:2])[0], found[1], rtol=1e-3, atol=1e-4
    )
    assert reader.features(ramp(), torch.zeros(0, 4)).shape == (0, reader.eye.width)


@pytest.mark.parametrize("name", READ)
def test_every_backbone_gives_as_many_numbers_as_it_says(name: str) -> None:
    with torch.device("meta"):
        eye = Eye(name).eval()
        assert eye(torch.zeros(2, 3, 64, 64)).shape == (2, eye.width)


def test_regions_are_few_and_not_alike(reader: Reader) -> None:
    picture = (
        np.random.default_rng(0)
        .integers(0, 256, (6, 9, 3), dtype=np.uint8)
        .repeat(9, 0)
        .repeat(9, 1)
    )
    boxes = reader.regions(picture)
    assert 5 < len(boxes) <= SMALL.regions
    from striate.ops.boxes import overlaps

    assert overlaps(boxes, boxes).triu(1).max() <= SMALL.doubles


def test_looking_survives_json() -> None:
    assert Looking.from_json(json.loads(json.dumps(asdict(SMALL)))) == SMALL


@pytest.mark.parametrize(
    "change",
    [
        {"side": 10**9}, {"side": "64"}, {"side": 64.0}, {"largest": 10**9}, {"regions": -1},
        {"doubles": 2.0}, {"doubles": "x"}, {"learned": 0}, {"more": 1}, {"strategies": {}},
        {"strategies": asdict(replace(SMALL.strategies, side=10**9))},
        {"strategies": asdict(replace(SMALL.strategies, scales=(0,)))},
        {"strategies": asdict(replace(SMALL.strategies, scales=(50,) * 99))},
        {"strategies": asdict(replace(SMALL.strategies, colors=("cmyk",)))},
        {"strategies": asdict(replace(SMALL.strategies, likenesses=("X",)))},
        {"strategies": asdict(replace(SMALL.strategies, likenesses=()))},
    ],
    ids=str,
)  # fmt: skip
def test_absurd_looking_is_refused(change: dict) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        Looking.from_json({**asdict(SMALL), **change})
