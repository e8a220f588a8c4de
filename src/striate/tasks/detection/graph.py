"""A detector as one graph: decoded pixels of any size in, boxes in those pixels out.

It computes what `NetworkPredictor` does, in shapes that a graph can have: where the networks choose
rows, rows stay and their scores become -inf, until the last line cuts them off.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate.inference.conversion import settled
from striate.inference.program import Graph
from striate.models import yolo_loss
from striate.models.faster_rcnn import FasterRCNN
from striate.models.surgery import folded
from striate.models.yolo import YOLO
from striate.ops.boxes import clipped, moved
from striate.tasks.detection import operators
from striate.tasks.detection.canvas import Canvas
from striate.tasks.detection.networks import NetworkPredictor
from striate.tasks.detection.region_reading import pooled, pooled_maxima
from striate.tasks.detection.scaling import STEP, Scaling

NOTHING = float("-inf")  # the score of a row that is not a detection
Rows = tuple[Tensor, Tensor, Tensor]
"""Boxes (K, 4), labels (K,) int64 and scores (K,), best first."""
OUTPUTS = ("boxes", "labels", "scores")
ABOUT = {
    "image": "(H, W, 3) uint8, RGB, upright, sRGB",
    "boxes": "(K, 4) float32, x0 y0 x1 y1 in pixels of the image",
    "labels": "(K,) int64, numbers in names",
    "scores": "(K,) float32 in [0, 1], best first",
}


def graph_of(predictor: NetworkPredictor) -> Graph:
    """Scaling, network and suppression as one graph."""
    return Graph(
        DetectionGraph(predictor),
        (torch.zeros(300, 400, 3, dtype=torch.uint8),),
        {"image": {0: "H", 1: "W"}},
        OUTPUTS,
        about=ABOUT,
        translations=operators.translations,
        formats=("onnx",),
    )


class DetectionGraph(nn.Module):
    """A picture (H, W, 3) RGB uint8 to boxes in its pixels, labels and scores: `Rows`."""

    def __init__(self, predictor: NetworkPredictor):
        super().__init__()
        self.canvas = Canvas(predictor.scaling)
        model = folded(predictor.model)  # as the predictor uses it
        if isinstance(model, YOLO):
            self.network: nn.Module = Cells(model, predictor.scaling)
        else:
            self.network = Regions(cast(FasterRCNN, model), predictor.scaling)
        self.eval()

    def forward(self, image: Tensor) -> Rows:
        canvas, size = self.canvas(image)
        boxes, labels, scores = self.network(canvas)
        height, width = size[0].float(), size[1].float()
        limits = torch.stack([width, height, width, height])
        boxes = torch.minimum(boxes, limits)
        there = (scores > NOTHING) & ((boxes[:, 2:] - boxes[:, :2]).amin(1) > 0)
        one = torch.ones((), dtype=torch.float64)
        given = torch.stack([one * image.shape[1], one * image.shape[0]] * 2)
        boxes = boxes * (given / limits.double()).float()
        rows = torch.nonzero(there).flatten()
        return boxes[rows], labels[rows], scores[rows]


class Regions(nn.Module):
    """Faster R-CNN for one image (1, 3, H, W)."""

    def __init__(self, model: FasterRCNN, scaling: Scaling):
        super().__init__()
        self.longest = -(-scaling.side // STEP) * STEP
        self.maps = nn.Sequential(model.backbone, model.neck)
        settled(self.maps, torch.zeros(1, 3, 2 * STEP, 2 * STEP))  # any multiple of STEP is alike
        self.proposals, self.head = model.proposals, model.head

    def forward(self, images: Tensor) -> Rows:
        size = (images.shape[2], images.shape[3])
        maps = self.maps(images)
        regions = self.best(maps, size)
        return self.detections(maps, *regions, size)

    def best(self, maps: list[Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """`ProposalNetwork.best` of one image: regions (K, 4) and which rows are regions (K,)."""
        settings = self.proposals.settings
        logits, deltas, places = self.proposals(maps)
        counts = [place.shape[0] for place in places]
        boxes, scores = [], []
        rows = zip(logits[0].split(counts), deltas[0].split(counts), places, strict=True)
        for score, offset, place in rows:
            # as many rows in any picture, the added ones last
            score = F.pad(score, (0, settings.before), value=NOTHING)
            offset = F.pad(offset, (0, 0, 0, settings.before))
            place = F.pad(place, (0, 0, 0, settings.before))
            top, which = score.topk(settings.before)
            region = clipped(moved(place[which], offset[which]), size)
            good = (region[:, 2:] - region[:, :2]).amin(1) >= 1
            top = torch.where(good, top, NOTHING)
            kept = operators.kept(region[None], top[None], settings.proposal_nms_overlap)[0]
            boxes.append(region)
            scores.append(torch.where(kept, top, NOTHING))
        score, order = torch.cat(scores).sort(descending=True, stable=True)
        some = settings.after
        return torch.cat(boxes)[order[:some]], score[:some] > NOTHING

    def detections(
        self, maps: list[Tensor], regions: Tensor, real: Tensor, size: tuple[int, int]
    ) -> Rows:
        """`BoxHead.detections` of one image."""
        head, settings = self.head, self.head.settings
        if head.pooling == "max":
            stride = head.strides[0]
            read = pooled_maxima(maps[0], regions / stride, head.size, self.longest // stride)
        else:
            read = pooled(head, maps, regions)
        hidden = head.hidden(read)
        scores = head.scores(hidden).softmax(1)[:, 1:]
        deltas = head.offsets(hidden).view(-1, head.classes, 4)
        boxes = clipped(moved(regions[:, None], deltas * head.spread), size)
        scores = torch.where(real[:, None] & (scores > settings.least), scores, NOTHING)
        return chosen(boxes, scores, settings.nms_overlap, settings.most)


class Cells(nn.Module):
    """YOLO for one image (1, 3, side, side)."""

    def __init__(self, model: YOLO, scaling: Scaling):
        super().__init__()
        settled(model.backbone, torch.zeros(1, 3, scaling.side, scaling.side))
        self.model = model

    def forward(self, images: Tensor) -> Rows:
        settings, classes = self.model.settings, self.model.classes
        boxes, confidences, shares = yolo_loss.split(self.model.predictions(images), classes)
        cells = torch.arange(settings.grid**2)[:, None].expand(boxes.shape[1:3])
        places = settings.side * yolo_loss.corners(boxes[0], cells, settings.grid)
        places = clipped(places, (settings.side, settings.side)).flatten(0, 1)
        scores = confidences[0].clamp(0, 1)[..., None] * shares[0].clamp(0, 1)[:, None]
        scores = scores.flatten(0, 1)
        scores = torch.where(scores > settings.least, scores, NOTHING)
        boxes = places[:, None].expand(-1, classes, 4)
        return chosen(boxes, scores, settings.nms_overlap, settings.most)


def chosen(boxes: Tensor, scores: Tensor, overlap: float, most: int) -> Rows:
    """Boxes (K, C, 4), scored for each class (K, C), suppressed within each class; the best come
    first, rows that are not detections last, with -inf."""
    kept = operators.kept(boxes.transpose(0, 1), scores.T, overlap).T
    best, which = torch.where(kept, scores, NOTHING).flatten().sort(descending=True, stable=True)
    which = which[:most]
    return boxes.flatten(0, 1)[which], which % scores.shape[1], best[:most]
