"""The parts of a detector against loops over boxes, and how long one picture takes.

    python benchmarks/detection.py [--quick] [--json]

Suppression and poolings are timed against the loops that everybody would write first, built on
torch's own operations. The last row has no peer: it is one picture of 640 x 480 through Faster
R-CNN (EfficientNet-Lite0, fresh weights, 448 pixels), scaled and found, beside its network alone.
"""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from _paired import Row, main, paired
from torch import Tensor

from striate.layers.roi_align import roi_align
from striate.layers.roi_pooling import roi_pooling
from striate.models.faster_rcnn import faster_rcnn
from striate.models.regions import Settings
from striate.ops.boxes import overlaps, without_doubles
from striate.tasks.detection import Scaling
from striate.tasks.detection.faster_rcnn import FasterRCNNFinder

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
    model = faster_rcnn("efficientnet_lite0", classes=3, settings=Settings(ratios=(1.0,)))
    model = model.eval().to(memory_format=torch.channels_last)
    finder = FasterRCNNFinder(model, {}, Scaling(448, (127.0,) * 3, (128.0,) * 3))
    picture = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    images = torch.randn(1, 3, 352, 448).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def network() -> object:
        return model(images)

    yield paired(
        "one picture of 640 x 480", lambda: finder.find(picture), network,
        peer="its network alone", rounds=rounds,
    )  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__)
