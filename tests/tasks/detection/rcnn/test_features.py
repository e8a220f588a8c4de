"""What R-CNN computes: the stages that are read, features of one crop and of many, regions."""

import numpy as np
import pytest
import torch

from striate.errors import UnknownName
from striate.handcrafted.selective_search import Strategies
from striate.models import create
from striate.models.stages import Stages
from striate.ops.boxes import overlaps
from striate.tasks.detection.rcnn.features import CropNetwork, RegionFeatures, read_stages
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.rcnn.warping import warped_crops

SMALL = RegionSettings(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


def ramp(height: int = 60, width: int = 90) -> np.ndarray:
    """Red is x, green is y, both in pixels from the left upper edge."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x, y, np.full_like(x, 77)], 2).astype(np.uint8)


@pytest.fixture(scope="module")
def extractor() -> RegionFeatures:
    torch.manual_seed(0)
    return RegionFeatures.of("efficientnet_lite0", None, SMALL)


def test_features_are_the_stages_of_the_network(extractor: RegionFeatures) -> None:
    boxes = torch.tensor([[5.0, 5.0, 50.0, 40.0], [0.0, 0.0, 90.0, 60.0], [80.0, 1.0, 81.0, 2.0]])
    found = extractor.features(ramp(), boxes)
    network = create("efficientnet_lite0").eval()
    assert isinstance(network, Stages)
    weights = extractor.network.state_dict().items()
    network.load_state_dict(
        {name.removeprefix("backbone.stages."): value for name, value in weights}, strict=False
    )
    (cut,) = warped_crops(ramp(), boxes.tolist(), SMALL, (127.0, 127.0, 127.0))
    crops = torch.from_numpy(cut)
    with torch.no_grad():
        maps = network.features((crops.permute(0, 3, 1, 2).float() - 127) / 128)
    expected = torch.cat(
        [
            torch.nn.functional.adaptive_avg_pool2d(maps[stage], cells).flatten(1)
            for stage, cells in (("stage5", 4), ("stage7", 2))
        ],
        1,
    )
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    # and each by itself is the same
    torch.testing.assert_close(
        extractor.features(ramp(), boxes[1:2])[0], found[1], rtol=1e-3, atol=1e-4
    )
    assert extractor.features(ramp(), torch.zeros(0, 4)).shape == (0, extractor.network.width)


KNOWN = {
    "efficientnet_lite0": [("stage5", 112, 4), ("stage7", 320, 2)],
    "resnet18": [("stage3", 256, 4), ("stage4", 512, 2)],
    "resnet34": [("stage3", 256, 4), ("stage4", 512, 2)],
    "resnet50": [("stage3", 1024, 2), ("stage4", 2048, 1)],
    "vgg16": [("conv5_3", 512, 3)],  # pool5 only makes it smaller
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_stages_that_are_read(name: str) -> None:
    found = [(stage.name, stage.channels, cells) for stage, cells in read_stages(name)]
    assert found == KNOWN[name]


@pytest.mark.parametrize("name", [*KNOWN, "alexnet", "overfeat_fast", "googlenet", "zfnet"])
def test_any_network_with_stride_16_gives_as_many_numbers_as_it_says(name: str) -> None:
    with torch.device("meta"):
        network = CropNetwork(name).eval()
        assert network(torch.zeros(2, 3, 64, 64)).shape == (2, network.width)
    assert network.width <= 6144


def test_a_network_without_stride_16() -> None:
    with pytest.raises(UnknownName, match="a stage of stride 16 is called 'resnet20'"):
        CropNetwork("resnet20")


def test_it_computes_where_it_was_moved(extractor: RegionFeatures) -> None:
    elsewhere = RegionFeatures(extractor.name, extractor.network, extractor.normalization, SMALL)
    with pytest.raises(NotImplementedError, match="meta"):  # no numbers come back from there
        elsewhere.to("meta").features(ramp(), torch.tensor([[5.0, 5, 50, 40]]))
    found = elsewhere.to("cpu").features(ramp(), torch.tensor([[5.0, 5, 50, 40]]))
    assert found.isfinite().all()


def test_regions_are_few_and_do_not_repeat_each_other(extractor: RegionFeatures) -> None:
    picture = (
        np.random.default_rng(0)
        .integers(0, 256, (6, 9, 3), dtype=np.uint8)
        .repeat(9, 0)
        .repeat(9, 1)
    )
    boxes = extractor.regions(picture)
    assert 5 < len(boxes) <= SMALL.regions
    assert overlaps(boxes, boxes).triu(1).max() <= SMALL.nms_overlap
