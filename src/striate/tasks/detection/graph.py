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
from striate.inference.viewing import Axis, resampled, weights
from striate.layers.roi_pooling import bin_edges
from striate.models import yolo_loss
from striate.models.faster_rcnn import FasterRCNN
from striate.models.regions import CANONICAL, BoxHead
from striate.models.surgery import folded
from striate.models.yolo import YOLO
from striate.ops.boxes import areas, clipped, moved
from striate.tasks.detection import operators
from striate.tasks.detection.networks import NetworkPredictor
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


class Canvas(nn.Module):
    """A picture (H, W, 3) uint8 as `Scaling` brings it to the network, and its size there.

    Returns:
        (1, 3, height, width) normalized, and (2,) int64: height and width of what is picture.
    """

    def __init__(self, scaling: Scaling):
        super().__init__()
        self.scaling = scaling

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.ones((), dtype=torch.int64)
        sides = [one * side for side in image.shape[:2]]
        wanted = self.wanted(*sides)
        steps = [self.steps(side) for side in wanted]
        zero = torch.zeros((), dtype=torch.int64)
        rows, columns = (
            Axis(length, zero.float(), side.float(), want, zero)
            for length, side, want in zip(image.shape[:2], sides, wanted, strict=True)
        )
        pixels = image.permute(2, 0, 1).float()
        across = banded(pixels, columns, steps[1])
        scaled = banded(across.transpose(1, 2), rows, steps[0]).transpose(1, 2)[None]
        inside = [torch.arange(count) < want for count, want in zip(steps, wanted, strict=True)]
        normal = self.scaling.normalization(scaled)
        canvas = torch.where(inside[0][:, None] & inside[1], normal, 0.0)
        return canvas, torch.stack(wanted)

    def wanted(self, height: Tensor, width: Tensor) -> list[Tensor]:
        """Height and width after scaling: `Scaling.size`."""
        side = self.scaling.side
        if self.scaling.stretched:
            return [torch.full_like(height, side)] * 2
        scale = side / torch.maximum(height, width).double()
        return [torch.round(one.double() * scale).long().clamp(min=1) for one in (height, width)]

    def steps(self, side: Tensor) -> int:
        """The side of the canvas for a picture's, a multiple of STEP."""
        if self.scaling.stretched:
            return -(-self.scaling.side // STEP) * STEP
        count = cast(int, torch.div(side + STEP - 1, STEP, rounding_mode="floor").item())
        torch._check(count >= 1)
        torch._check(count <= -(-self.scaling.side // STEP))
        return count * STEP


def banded(lines: Tensor, axis: Axis, size: int) -> Tensor:
    """`resampled` lines (C, N, length), the whole of each: (C, N, size), size a multiple of STEP.

    STEP neighbors depend on a band of the line, which is the same for all lines: a product with the
    band alone takes a tenth of the time, and gives the same whole numbers.
    """
    stretch = axis.end.double() / axis.wanted
    reach = 2 * stretch.clamp(min=1.0)  # of the bicubic filter to either side
    span = torch.ceil((STEP - 1) * stretch + 2 * reach).long() + 3
    width = cast(int, torch.minimum(span, axis.end.long()).item())
    torch._check(width >= 1)
    torch._check(width <= axis.length)
    first = torch.arange(0, size, STEP)
    begin = torch.floor((first + 0.5) * stretch - reach).long() - 1
    begin = torch.minimum(begin.clamp(min=0), axis.end.long() - width)
    band = begin[:, None] + torch.arange(width)  # (size / STEP, width)
    matrix = weights(axis, size).unflatten(0, (-1, STEP))
    matrix = matrix.gather(2, band[:, None].expand(-1, STEP, -1))
    channels, count, _ = lines.shape
    bands = lines.flatten(0, 1)[:, band].transpose(0, 1)  # (size / STEP, C N, width)
    return resampled(bands, matrix).transpose(0, 1).reshape(channels, count, size)


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


def pooled(head: BoxHead, maps: list[Tensor], regions: Tensor) -> Tensor:
    """`BoxHead.pooled` of one image: (K, C, size, size).

    The maps become one batch, the smaller ones continued by their border: regions lie inside.
    """
    rows, columns = (torch.arange(side) for side in maps[0].shape[2:])
    alike = [maps[0]] + [
        x[:, :, rows.clamp(max=x.shape[2] - 1)][..., columns.clamp(max=x.shape[3] - 1)]
        for x in maps[1:]
    ]
    span = areas(regions).clamp(min=1).sqrt() / (CANONICAL * head.strides[0])
    level = torch.zeros_like(span, dtype=torch.long)
    for number in range(1, len(maps)):
        level = level + (span >= 2**number).long()
    strides = torch.tensor(head.strides, dtype=torch.float32)
    return operators.aligned(torch.cat(alike), regions / strides[level][:, None], level, head.size)


def pooled_maxima(x: Tensor, boxes: Tensor, size: int, longest: int) -> Tensor:
    """`roi_pooling` of boxes (K, 4) in pixels of the map x (1, C, H, W): (K, C, size, size).

    A bin is covered by four windows whose sides are powers of two, and the maxima of all such
    windows are computed once for the whole map.

    Args:
        longest: side of a map at most.
    """
    height, width = x.shape[2], x.shape[3]
    edges = torch.round(boxes).long()
    left, right = bin_edges(edges[:, 0], edges[:, 2], size, width)
    top, bottom = bin_edges(edges[:, 1], edges[:, 3], size, height)
    sides = [2**level for level in range((longest // size + 2).bit_length())]
    table = torch.cat([windowed(x, tall, wide) for tall in sides for wide in sides])
    rows = table.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    across, begin, end = spanned(left, right, sides)
    down, first, last = spanned(top, bottom, sides)
    corner = (down * len(sides))[:, :, None] + across[:, None]  # (K, size, size)
    found = None
    for y in (first, last):
        for place in (begin, end):
            value = rows[(corner * height + y[:, :, None]) * width + place[:, None]]
            found = value if found is None else torch.maximum(found, value)
    there = (bottom > top)[:, :, None] & (right > left)[:, None]
    assert found is not None
    return torch.where(there[..., None], found, 0.0).permute(0, 3, 1, 2)


def windowed(x: Tensor, tall: int, wide: int) -> Tensor:
    """The maximum of every window of that size, by its upper left corner: of the form of x."""
    return F.max_pool2d(F.pad(x, (0, wide - 1, 0, tall - 1), value=NOTHING), (tall, wide), 1)


def spanned(low: Tensor, high: Tensor, sides: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """For spans from `low` to `high`, the number of the longest side that is not longer, and where
    two of that side begin that cover the span together. An empty one begins anywhere in the map."""
    length = (high - low).clamp(min=1)
    level, side = torch.zeros_like(length), torch.ones_like(length)
    for number, known in enumerate(sides[1:], 1):
        fits = length >= known
        level, side = torch.where(fits, number, level), torch.where(fits, known, side)
    start = torch.minimum(low, (high - 1).clamp(min=0))
    return level, start, torch.maximum(high - side, start)
