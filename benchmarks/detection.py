"""The parts of a detector against loops over boxes, and how long one picture takes.

    python benchmarks/detection.py [--quick] [--json]

Suppression and poolings are timed against the loops that everybody would write first, built on
torch's own operations. Then one photograph is scaled and looked through by three ways to detect
with one backbone (EfficientNet-Lite0, fresh weights, one thread).
"""

from collections.abc import Iterator
from dataclasses import asdict, replace

import torch
import torch.nn.functional as F
from _paired import Row, main, paired
from sklearn.datasets import load_sample_images
from torch import Tensor

from striate.layers.roi_align import roi_align
from striate.layers.roi_pooling import roi_pooling
from striate.models.regions import Settings
from striate.ops.boxes import overlaps, without_doubles
from striate.tasks.detection import Scaling
from striate.tasks.detection.faster_rcnn import FasterRCNNFinder
from striate.tasks.detection.rcnn import RCNNFinder
from striate.tasks.detection.rcnn_features import Looking, Reader
from striate.tasks.detection.rcnn_machines import Machines
from striate.tasks.detection.yolo import YOLOFinder

SCALE = 1 / 16


def loop_without_doubles(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
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
        for count in (200, 1000, 4000):
            boxes, scores = some_boxes(count, 1000.0, 600.0), torch.rand(count)
            assert torch.equal(
                without_doubles(boxes, scores, 0.7), loop_without_doubles(boxes, scores, 0.7)
            )
            yield paired(
                f"suppression of {count} boxes",
                lambda boxes=boxes, scores=scores: without_doubles(boxes, scores, 0.7),
                lambda boxes=boxes, scores=scores: loop_without_doubles(boxes, scores, 0.7),
                peer="loop", rounds=rounds,
            )  # fmt: skip
        features = torch.randn(1, 512, 38, 63)
        boxes = some_boxes(300, 1000.0, 600.0)
        assert torch.equal(
            roi_pooling(features, [boxes], scale=SCALE), loop_pooling(features, boxes)
        )
        yield paired(
            "RoI pooling, 300 regions of 512 x 38 x 63",
            lambda: roi_pooling(features, [boxes], scale=SCALE),
            lambda: loop_pooling(features, boxes),
            peer="loop", rounds=rounds,
        )  # fmt: skip
        torch.testing.assert_close(
            roi_align(features, [boxes], scale=SCALE), loop_align(features, boxes),
            rtol=1e-4, atol=1e-4,
        )  # fmt: skip
        yield paired(
            "RoI align, 300 regions of 512 x 38 x 63",
            lambda: roi_align(features, [boxes], scale=SCALE),
            lambda: loop_align(features, boxes),
            peer="loop", rounds=rounds,
        )  # fmt: skip
    picture = load_sample_images().images[0]  # a photograph of 640 x 427
    one_look, two_parts, regions = finders()
    yield paired(
        "a photograph, Faster R-CNN", lambda: two_parts.find(picture),
        lambda: regions.find(picture), peer="R-CNN, the same backbone", target=20,
        rounds=3,
    )  # fmt: skip
    yield paired(
        "a photograph, YOLO", lambda: one_look.find(picture), lambda: two_parts.find(picture),
        peer="Faster R-CNN", target=1, rounds=rounds,
    )  # fmt: skip


def finders() -> tuple[YOLOFinder, FasterRCNNFinder, RCNNFinder]:
    """One backbone, EfficientNet-Lite0, under three ways to detect; what they know is of no
    matter here."""
    settings = Settings(ratios=(1.0,))
    told = {
        "backbone": "efficientnet_lite0", "pyramid": True, "width": 128, "hidden": 512,
        "smallest": [32.0, 64.0], "settings": asdict(settings),
    }  # fmt: skip
    scaling = Scaling(448, (127.0,) * 3, (128.0,) * 3)
    two_parts = FasterRCNNFinder(FasterRCNNFinder.network(told, 3).eval(), told, scaling)
    told = {
        "backbone": "efficientnet_lite0", "grid": 14, "boxes": 2, "side": 448,
        "connected": False, "width": 256,
    }  # fmt: skip
    stretched = replace(scaling, stretched=True)
    one_look = YOLOFinder(YOLOFinder.network(told, 3).eval(), told, stretched)
    reader = Reader.of("efficientnet_lite0", None, Looking())
    nothing = Machines.empty(torch.zeros(reader.eye.width), torch.ones(reader.eye.width), 3)
    return one_look, two_parts, RCNNFinder(reader, nothing, 0.3)


if __name__ == "__main__":
    main(measure, __doc__)
