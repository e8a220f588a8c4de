"""YOLO (Redmon, Divvala, Girshick & Farhadi 2015, arXiv:1506.02640): detection as one regression.

A picture is stretched to a square and cut into S x S cells; the cell of an object's center
detects it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models import yolo_loss
from striate.models.backbone import Backbone, frozen_stage, network_stages, stages_of
from striate.models.matching import Detections, Targets
from striate.models.networks import create
from striate.models.stages import Stages
from striate.models.yolo_classifier import SLOPE, Layer, convolutions
from striate.ops.boxes import clipped, non_maximum_suppression

# Figure 3: what is added to the convolutions of `yolo_classifier` to detect, ...
DETECTING: tuple[Layer, ...] = (
    (3, 1024, 1), (3, 1024, 2),
    (3, 1024, 1), (3, 1024, 1),
)  # fmt: skip
FAST_DETECTING: tuple[Layer, ...] = ((3, 1024, 1), (3, 1024, 1), (3, 1024, 1))
CONNECTED, FAST_CONNECTED = (4096,), (256, 4096)  # ... and the layer that predicts
# The networks of the paper by the name of their convolutions in `striate.models`.
PUBLISHED = {"yolo": (DETECTING, CONNECTED), "fast_yolo": (FAST_DETECTING, FAST_CONNECTED)}
STRIDES = (16, 32)  # of the maps of a network of ours
CELLS = (32, 64)  # pixels, of the grid over them: DETECTING halves a map
PUBLISHED_CELL, PUBLISHED_WIDTH = 64, 1024


@dataclass(frozen=True)
class Settings:
    """The numbers of Section 2, and by which detections are chosen.

    Attributes:
        side: of the pictures, in pixels.
        grid, boxes: S cells a side, B boxes a cell.
    """

    side: int = 448
    grid: int = 7
    boxes: int = 2
    nms_overlap: float = 0.5  # above it, the worse of two detections of a class is suppressed
    least: float = 0.02  # score of a detection
    most: int = 100  # detections of an image


class Connected(nn.Module):
    """Maps (N, C, side / 64, side / 64) to (N, S, S, 5 B + classes) by full connections.

    `widths` are of the layers before the one that predicts; the last of them is rectified, and half
    of it dropped while learning (Section 2.2).
    """

    def __init__(self, channels: int, widths: Sequence[int], settings: Settings, classes: int):
        super().__init__()
        self.grid = settings.grid
        inputs = channels * (settings.side // PUBLISHED_CELL) ** 2
        layers: list[nn.Module] = [nn.Flatten()]
        for width in widths:
            layers.append(nn.Linear(inputs, width))
            inputs = width
        self.hidden = nn.Sequential(*layers, nn.LeakyReLU(SLOPE), nn.Dropout(0.5))
        self.last = nn.Linear(inputs, self.grid**2 * (5 * settings.boxes + classes))
        _begin(self.last, settings, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.hidden(x)).view(len(x), self.grid, self.grid, -1)


class Convolved(nn.Module):
    """Maps (N, C, S, S) to (N, S, S, 5 B + classes): one rule for every cell."""

    def __init__(self, channels: int, settings: Settings, classes: int):
        super().__init__()
        self.last = nn.Conv2d(channels, 5 * settings.boxes + classes, 1)
        _begin(self.last, settings, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x).permute(0, 2, 3, 1)


class YOLO(nn.Module):
    """Images (N, 3, side, side), normalized, to the detections in each (Figure 2)."""

    def __init__(
        self, backbone: nn.Module, detecting: nn.Module, settings: Settings, *, classes: int
    ):
        super().__init__()
        self.backbone, self.detecting = backbone, detecting
        self.settings, self.classes = settings, classes

    def predictions(self, images: Tensor) -> Tensor:
        """The numbers of every cell, as `yolo_loss` explains: (N, S, S, 5 B + classes).

        Raises:
            ModelError: if the images are not of `settings.side`.
        """
        side = self.settings.side
        if images.shape[2:] != (side, side):
            raise ModelError(
                f"this YOLO reads pictures of {side} x {side} pixels, not "
                f"{images.shape[2]} x {images.shape[3]}; stretch them"
            )
        maps = self.backbone(images)
        return self.detecting(maps if isinstance(maps, Tensor) else maps[-1])

    def forward(self, images: Tensor) -> list[Detections]:
        predicted, settings = self.predictions(images), self.settings
        boxes, confidences, shares = yolo_loss.split(predicted, self.classes)
        cells = torch.arange(settings.grid**2, device=predicted.device)[:, None]
        places = settings.side * yolo_loss.corners(
            boxes, cells.expand(boxes.shape[1:3]), settings.grid
        )
        size = (settings.side, settings.side)
        scores = confidences.clamp(0, 1)[..., None] * shares.clamp(0, 1)[:, :, None]  # Equation 1
        return [
            self._chosen(clipped(place, size).flatten(0, 1), score.flatten(0, 1))
            for place, score in zip(places, scores, strict=True)
        ]

    @torch.no_grad()
    def _chosen(self, boxes: Tensor, scores: Tensor) -> Detections:
        """Boxes (K, 4) with a score for each class (K, classes), suppressed within each class."""
        row, label = torch.nonzero(scores > self.settings.least, as_tuple=True)
        score = scores[row, label]
        kept = non_maximum_suppression(boxes[row], score, self.settings.nms_overlap, groups=label)
        kept = kept[: self.settings.most]
        return Detections(boxes[row][kept], label[kept], score[kept])

    def losses(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """The five sums of Equation 3: `centers`, `sides`, `confidences`, `nothing` and
        `class_shares`."""
        size = (images.shape[2], images.shape[3])
        return yolo_loss.losses(self.predictions(images), targets, size, self.classes)


def yolo(
    backbone: str,
    *,
    classes: int,
    grid: int = 7,
    boxes: int = 2,
    side: int = 448,
    connected: bool = False,
    width: int = 256,
    weights: str | Path | None = None,
) -> YOLO:
    """A network of ours under the detecting layers of the paper.

    With the paper's own convolutions, "yolo" or "fast_yolo", with full connections and the paper's
    width it is the network of Figure 3, or Fast YOLO; then all of it learns.

    Args:
        backbone: any network with stages of stride 16 and 32.
        grid: S. Without `connected`, cells are of 64 pixels as published, over maps of stride 32,
            or of 32 pixels, over maps of stride 16.
        boxes: B.
        side: of the pictures, in pixels.
        connected: whether the two full connections of Figure 3 predict, else a 1 x 1 convolution.
        width: of the added convolutions; PUBLISHED_WIDTH in Figure 3.
        weights: of the backbone: a name in its entry ("imagenet"), or the path of a file.

    Raises:
        UnknownName: if there is no such backbone.
        ModelError: if it cannot be built so.
    """
    settings = Settings(side=side, grid=grid, boxes=boxes)
    _check(settings, classes)
    if width < 1:
        raise ModelError(f"its layers need a width of at least 1, not {width}")
    layers, widths = PUBLISHED["yolo"]
    frozen = ""
    if connected and backbone in PUBLISHED:
        stage = network_stages(backbone)[-1]
        layers, widths = PUBLISHED[backbone]
    else:
        stages = stages_of(backbone, STRIDES, pooled=True)
        cell = PUBLISHED_CELL if connected else side // grid
        if not connected and (cell not in CELLS or cell * grid != side):
            raise ModelError(
                f"a grid of {grid} cells needs pictures of {CELLS[0] * grid} or {CELLS[1] * grid} "
                f"pixels, not {side}"
            )
        stage, frozen = stages[CELLS.index(cell)], frozen_stage(backbone)
    network = create(backbone, weights=weights)
    assert isinstance(network, Stages)
    plan = [(kernel, width, stride) for kernel, _, stride in layers]
    detecting = nn.Sequential(*convolutions(stage.channels, plan))
    if connected:
        detecting.append(Connected(width, widths, settings, classes))
    else:
        detecting.append(Convolved(width, settings, classes))
    return YOLO(Backbone(network, [stage.name], frozen), detecting, settings, classes=classes)


def _begin(layer: nn.Linear | nn.Conv2d, settings: Settings, classes: int) -> None:
    """At first every cell predicts boxes in its middle, the j-th of B of side (j / (B + 1))^2, with
    no confidence, and each class equally: so the boxes of a cell differ from the start."""
    numbers = []
    for box in range(1, settings.boxes + 1):
        root = box / (settings.boxes + 1)
        numbers += [0.5, 0.5, root, root, 0.0]
    numbers += [1 / classes] * classes
    nn.init.normal_(layer.weight, std=0.01)
    assert layer.bias is not None
    with torch.no_grad():
        layer.bias.copy_(torch.tensor(numbers).repeat(len(layer.bias) // len(numbers)))


def _check(settings: Settings, classes: int) -> None:
    if classes < 1:
        raise ModelError(f"a detector needs at least one class, not {classes}")
    if settings.grid < 1 or settings.boxes < 1:
        raise ModelError(
            f"a detector needs at least one cell and one box a cell, not {settings.grid} and "
            f"{settings.boxes}"
        )
    if settings.side < PUBLISHED_CELL or settings.side % PUBLISHED_CELL:
        raise ModelError(
            f"pictures are a multiple of {PUBLISHED_CELL} pixels wide, not {settings.side}"
        )
