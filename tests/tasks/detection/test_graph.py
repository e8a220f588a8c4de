"""The graph beside the network it was made of: the same boxes in pictures of any size."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.models import Normalization
from striate.models.regions import Settings
from striate.tasks.detection.faster_rcnn.predictor import FasterRCNNPredictor
from striate.tasks.detection.graph import DetectionGraph
from striate.tasks.detection.scaling import Scaling
from striate.tasks.detection.yolo.predictor import YOLOPredictor

SIDES = st.integers(1, 150)


def picture(height: int, width: int) -> np.ndarray:
    generator = np.random.default_rng(height * 1000 + width)
    return generator.integers(0, 256, (height, width, 3), dtype=np.uint8)


def assert_same(predictor, graph, pixels) -> int:
    """Returns how many detections there were."""
    (answer,) = predictor.predict([predictor.prepare(pixels)])
    expected = answer.detections
    with torch.no_grad():
        boxes, labels, scores = graph(torch.from_numpy(pixels))
    assert labels.tolist() == expected.classes.tolist()
    assert torch.allclose(boxes, expected.boxes, atol=1e-3, rtol=0)
    assert torch.allclose(scores, expected.scores, atol=1e-5, rtol=0)
    return len(labels)


@pytest.mark.parametrize("kind", ["pyramid", "single", "yolo"])
def test_the_same_boxes(kind, tiny):
    predictor = tiny(kind)
    graph, counts = DetectionGraph(predictor), []

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(SIDES, SIDES)
    def compared(height, width):
        counts.append(assert_same(predictor, graph, picture(height, width)))

    compared()
    assert max(counts) >= 5


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet18"])
def test_the_networks_that_are_learned(backbone):
    torch.manual_seed(0)
    few = {**vars(Settings()), "before": 40, "after": 20}
    architecture = {"backbone": backbone, "pyramid": True, "width": 16, "hidden": 16,
                    "smallest": [32.0, 64.0], "settings": few}  # fmt: skip
    model = FasterRCNNPredictor.network(architecture, 2)
    for layer, std in ((model.proposals.objectness, 0.5), (model.head.scores, 2.0)):
        torch.nn.init.normal_(layer.weight, std=std)
    scaling = Scaling(96, Normalization((120.0,) * 3, (60.0,) * 3))
    predictor = FasterRCNNPredictor(model, architecture, scaling, 2)
    assert assert_same(predictor, DetectionGraph(predictor), picture(70, 50)) > 0


def test_yolo_that_is_learned():
    torch.manual_seed(0)
    architecture = {"backbone": "resnet18", "grid": 3, "boxes": 2, "side": 192, "connected": False,
                    "width": 16}  # fmt: skip
    model = YOLOPredictor.network(architecture, 2)
    torch.nn.init.normal_(model.detecting[-1].last.weight, std=0.2)
    scaling = Scaling(192, Normalization((0.0,) * 3, (255.0,) * 3), stretched=True)
    predictor = YOLOPredictor(model, architecture, scaling, 2)
    assert assert_same(predictor, DetectionGraph(predictor), picture(70, 50)) > 0
