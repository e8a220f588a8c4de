"""YOLO as a finder, and how it is learned from a folder."""

from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from striate.augment import Augmentation, Spread
from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN
from striate.models.yolo import BACKBONES, CELLS, PUBLISHED_CELL, yolo
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.networks import NetworkFinder, learned_by_steps
from striate.tasks.detection.pictures import MAX_SIDE
from striate.training import Recipe

BACKBONE = "efficientnet_lite0"
SIDE = 448  # pixels, as published
PUBLISHED_GRID = SIDE // PUBLISHED_CELL
SHARED = 0.02  # of the training boxes that may share a cell before cells are halved
EPOCH = 820  # pictures that one epoch shows at least: a validation is dear
# What a file may ask for at most.
LIMITS = {"grid": MAX_SIDE // CELLS[0], "boxes": 64, "side": MAX_SIDE, "width": 8192}

# Section 2.2: scaling by up to 20 %, exposure and saturation (there in HSV), and translations, half
# as long as there, for they cut things off; the mirror is from the authors' program.
VIEWS = Augmentation(
    Spread(mirror=0.5, zoom=0.2, shift=0.1),
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
)
# For about 12 minutes of one core on 205 images; Section 2.2's own 135 epochs at rates of 0.01
# and less by SGD belong to 16,500 images and connected layers.
RECIPE = Recipe(
    epochs=3,
    batch_size=2,
    learning_rate=7e-4,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.1,
    kept_rate=0.3,
    freeze_statistics=True,
    clip=20.0,
    augmentation=VIEWS,
)


class YOLOFinder(NetworkFinder):
    """`architecture`: backbone, grid, boxes, side, connected and width of `yolo`."""

    kind: ClassVar[str] = "yolo"

    @staticmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        values = dict(architecture)
        backbone, connected = values.pop("backbone"), values.pop("connected")
        if backbone not in BACKBONES or values.keys() != LIMITS.keys():
            raise ValueError(f"it names a backbone {backbone!r} with {sorted(values)}")
        for name, most in LIMITS.items():
            value = values[name]
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"its {name} is {value!r}")
        model = yolo(backbone, classes=classes, connected=bool(connected), **values)
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any], classes: int) -> Self:
        finder = super().restored(tensors, header, classes)
        side = finder.architecture["side"]
        if not finder.scaling.stretched or finder.scaling.side != side:
            raise ValueError(f"its pictures are not stretched to {side} x {side} pixels")
        return finder


def learn(
    data: BoxedDataset,
    ask: Ask,
    *,
    recipe: Recipe = RECIPE,
    side: int = SIDE,
    grid: int | None = None,
    connected: bool = False,
    width: int = 256,
) -> Learned:
    """Learning the five sums of Equation 3.

    Args:
        recipe: an epoch of it shows every training image at least once, and at least EPOCH.
        side: pictures are stretched to a square of it, in pixels.
        grid: of cells; None: 7 as published (side / 64), or 14 where too many boxes would share a
            cell.
        connected: two connected layers decide, as published, which ask for far more pictures.
        width: of the added convolutions; 1024 in the paper.
    """
    grid = grid or grid_for(data, side)
    architecture = {
        "backbone": ask.backbone or BACKBONE,
        "grid": grid,
        "boxes": 2,
        "side": side,
        "connected": connected,
        "width": width,
    }
    share = shared(data, grid)
    notes = (
        f"{grid} x {grid} cells; {share:.1%} of the training boxes share one with another",
        "its scores are a chance times an overlap, and low: look from 0.3 on",
    )
    return learned_by_steps(
        YOLOFinder, architecture, data, ask, recipe=recipe, side=side, epoch=EPOCH,
        stretched=True, notes=notes,
    )  # fmt: skip


def grid_for(data: BoxedDataset, side: int = SIDE) -> int:
    """Cells of 64 pixels as published, unless more than SHARED of the boxes would share one; then
    cells of 32."""
    published = side // PUBLISHED_CELL
    return published if shared(data, published) <= SHARED else side // CELLS[0]


def shared(data: BoxedDataset, grid: int) -> float:
    """The share of the training boxes whose center lies in a cell with that of another."""
    together, total = 0, 0
    for row in np.flatnonzero(data.split == TRAIN).tolist():
        marked = data.objects[row]
        boxes = marked.boxes[marked.asked]
        height, width = data.sizes[row].tolist()
        places = (boxes[:, :2] + boxes[:, 2:]) / 2 / (width, height) * grid
        cells = np.minimum(places.astype(np.int64), grid - 1)
        _, counts = np.unique(cells, axis=0, return_counts=True)
        together += int(counts[counts > 1].sum())
        total += len(boxes)
    return together / max(1, total)
