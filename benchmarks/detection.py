"""The parts of a detector against loops over boxes, and how long one picture takes.

    python benchmarks/detection.py [--quick] [--json]

Suppression and poolings are timed against the loops that everybody would write first, built on
torch's own operations. Then one photograph is scaled and looked through by three ways to detect
with one backbone (EfficientNet-Lite0, fresh weights, one thread).
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import torch
import torch.nn.functional as F
from _rows import Row, main, paired
from sklearn.datasets import load_sample_images
from torch import Tensor

from striate.layers.roi_align import roi_align
from striate.layers.roi_pooling import roi_pooling
from striate.models import Normalization
from striate.models.regions import Settings
from striate.ops.boxes import non_maximum_suppression, overlaps
from striate.tasks.contract import Predictor
from striate.tasks.detection.faster_rcnn.predictor import FasterRCNNPredictor
from striate.tasks.detection.rcnn.classifiers import Classifiers
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tasks.detection.rcnn.predictor import RCNNPredictor
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.scaling import Scaling
from striate.tasks.detection.yolo.predictor import YOLOPredictor

SCALE = 1 / 16
BOXES = (200, 1000, 4000)
REGIONS, MAPS = 300, (512, 38, 63)
BACKBONE, SIDE = "efficientnet_lite0", 448


def suppression_loop(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """From the best down, each box that overlaps a kept one is dropped."""
    waiting, kept = torch.argsort(scores, descending=True), []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        if len(waiting):
            waiting = waiting[overlaps(boxes[best][None], boxes[waiting])[0] <= threshold]
    return torch.stack(kept)


def loop_pooling(features: Tensor, boxes: Tensor) -> Tensor:
    """One adaptive pooling a region; its bins are those of Fast R-CNN."""
    edges = torch.round(boxes * SCALE).long().tolist()
    return torch.cat(
        [
            F.adaptive_max_pool2d(features[:, :, y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)], 7)
            for x0, y0, x1, y1 in edges
        ]
    )


def loop_align(features: Tensor, boxes: Tensor) -> Tensor:
    """One interpolation of 14 x 14 readings a region, and their means."""
    sides = torch.tensor([features.shape[3], features.shape[2]])
    steps = (torch.arange(14) + 0.5) / 14
    parts = []
    for box in boxes * SCALE:
        x, y = (2 * (box[:2] + steps[:, None] * (box[2:] - box[:2])) / sides - 1).T
        grid = torch.stack([x.expand(14, 14), y[:, None].expand(14, 14)], -1)[None]
        read = F.grid_sample(features, grid, padding_mode="border", align_corners=False)
        parts.append(F.avg_pool2d(read, 2))
    return torch.cat(parts)


def some_boxes(count: int, width: float, height: float) -> Tensor:
    """Boxes in a picture, `count` of them about a tenth as many things."""
    things = torch.rand(max(1, count // 10), 2) * torch.tensor([width * 0.7, height * 0.7])
    low = things[torch.randint(len(things), (count,))] + torch.rand(count, 2) * 12
    high = low + 40 + torch.rand(count, 2) * 60
    return torch.cat([low, torch.minimum(high, torch.tensor([width, height]))], 1)


def measure(quick: bool) -> Iterator[Row]:
    rounds = 3 if quick else 11
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with torch.no_grad():
        for count in BOXES:
            boxes, scores = some_boxes(count, 1000.0, 600.0), torch.rand(count)
            assert torch.equal(
                non_maximum_suppression(boxes, scores, 0.7), suppression_loop(boxes, scores, 0.7)
            )
            yield paired(
                f"suppression of {count} boxes",
                lambda boxes=boxes, scores=scores: non_maximum_suppression(boxes, scores, 0.7),
                lambda boxes=boxes, scores=scores: suppression_loop(boxes, scores, 0.7),
                peer="loop", rounds=rounds,
            )  # fmt: skip
        features = torch.randn(1, *MAPS)
        boxes = some_boxes(REGIONS, 1000.0, 600.0)
        regions = f"{REGIONS} regions of {' x '.join(map(str, MAPS))}"
        assert torch.equal(
            roi_pooling(features, [boxes], scale=SCALE), loop_pooling(features, boxes)
        )
        yield paired(
            f"RoI pooling, {regions}",
            lambda: roi_pooling(features, [boxes], scale=SCALE),
            lambda: loop_pooling(features, boxes),
            peer="loop", rounds=rounds,
        )  # fmt: skip
        torch.testing.assert_close(
            roi_align(features, [boxes], scale=SCALE), loop_align(features, boxes),
            rtol=1e-4, atol=1e-4,
        )  # fmt: skip
        yield paired(
            f"RoI align, {regions}",
            lambda: roi_align(features, [boxes], scale=SCALE),
            lambda: loop_align(features, boxes),
            peer="loop", rounds=rounds,
        )  # fmt: skip
    picture = load_sample_images().images[0]  # a photograph of 640 x 427
    yolo, faster_rcnn, rcnn = (answering(one, picture) for one in detectors())
    yield paired(
        "a photograph, Faster R-CNN", faster_rcnn, rcnn, peer="R-CNN, the same backbone",
        target=20, rounds=3,
    )  # fmt: skip
    yield paired(
        "a photograph, YOLO", yolo, faster_rcnn, peer="Faster R-CNN", target=1, rounds=rounds
    )


def answering(predictor: Predictor, picture: Any) -> Callable[[], object]:
    """All that one picture takes, scaling included."""
    return lambda: predictor.predict([predictor.prepare(picture)])


def detectors() -> tuple[Predictor, Predictor, Predictor]:
    """One backbone, EfficientNet-Lite0, under three ways to detect; weights are fresh, for what
    they find is of no matter here."""
    scaling = Scaling(SIDE, Normalization((127.0,) * 3, (128.0,) * 3))
    form: dict[str, Any] = {
        "backbone": BACKBONE, "pyramid": True, "width": 128, "hidden": 512,
        "smallest": [32.0, 64.0], "settings": asdict(Settings(ratios=(1.0,))),
    }  # fmt: skip
    network = FasterRCNNPredictor.network(form, 3)
    faster_rcnn = FasterRCNNPredictor(network, form, scaling, 3)
    form = {
        "backbone": BACKBONE, "grid": SIDE // 32, "boxes": 2, "side": SIDE, "connected": False,
        "width": 256,
    }  # fmt: skip
    stretched = replace(scaling, stretched=True)
    yolo = YOLOPredictor(YOLOPredictor.network(form, 3), form, stretched, 3)
    features = RegionFeatures.of(BACKBONE, None, RegionSettings())
    width = features.network.width
    nothing = Classifiers.empty(torch.zeros(width), torch.ones(width), 3)
    return yolo, faster_rcnn, RCNNPredictor(features, nothing, 0.3)


if __name__ == "__main__":
    main(measure, __doc__)
