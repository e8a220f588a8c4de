"""Faster R-CNN as a finder, and how it is learned from a folder."""

import math
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN
from striate.models.faster_rcnn import BACKBONES, faster_rcnn
from striate.models.regions import Settings
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.networks import NetworkFinder, learned_by_steps
from striate.tasks.detection.pictures import STEP
from striate.tasks.detection.task import VIEWS
from striate.training import Recipe

BACKBONE = "efficientnet_lite0"
SIDE, LARGEST = 448, 896  # pixels of the longer side
SEEN = 24  # pixels that things of the smallest class should have there
EPOCH = 410  # pictures that one epoch shows at least: a validation is dear
SQUARE = 1.5  # boxes whose sides differ by less need anchors of one shape only
SIZES = 6  # of anchors, each at most twice as large as the one before
WIDEST, MOST_SHAPES = 8192, 64  # what a file may ask for at most
# Joint training for about 20 minutes of one core on 205 images; Section 3.3's own rate, 0.001 by
# SGD, belongs to 70,000 steps.
RECIPE = Recipe(
    epochs=4,
    batch_size=2,
    learning_rate=5e-4,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.1,
    kept_rate=0.3,
    freeze_statistics=True,
    clip=5.0,
    augmentation=VIEWS,
)


FORM = {"pyramid", "width", "hidden", "smallest"}  # beside backbone and settings


class FasterRCNNFinder(NetworkFinder):
    """`architecture`: backbone, pyramid, width, hidden, smallest and settings of `faster_rcnn`."""

    kind: ClassVar[str] = "faster_rcnn"

    @staticmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        values = dict(architecture)
        backbone, told = values.pop("backbone"), values.pop("settings")
        if backbone not in BACKBONES or values.keys() != FORM:
            raise ValueError(f"it names a backbone {backbone!r} with {sorted(values)}")
        for name in ("width", "hidden"):
            if not 1 <= values[name] <= WIDEST:
                raise ValueError(f"its {name} is {values[name]!r}")
        lists = {name: tuple(told[name]) for name in ("sizes", "ratios")}
        for some in (*lists.values(), values["smallest"]):
            if not 1 <= len(some) <= MOST_SHAPES or not all(0 < each < math.inf for each in some):
                raise ValueError(f"its anchors are {some}")
        settings = Settings(**{**told, **lists})
        model = faster_rcnn(backbone, classes=classes, settings=settings, **values)
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def learn(
    data: BoxedDataset,
    ask: Ask,
    *,
    recipe: Recipe = RECIPE,
    side: int | None = None,
    pyramid: bool = True,
) -> Learned:
    """Joint training of all four losses.

    Args:
        recipe: an epoch of it shows every training image at least once, and at least EPOCH.
        side: of the longer side of a picture, in pixels; None: by the smallest things.
        pyramid: maps of strides 8 and 16 instead of 16 alone, as published.
    """
    backbone, side = ask.backbone or BACKBONE, side or side_for(data)
    architecture = architecture_for(backbone, data, side, pyramid=pyramid)
    return learned_by_steps(
        FasterRCNNFinder, architecture, data, ask, recipe=recipe, side=side, epoch=EPOCH
    )


def boxes_at(data: BoxedDataset, side: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Width and height (K, 2) of the training boxes in pictures of that longer side, and their
    classes (K,)."""
    sides, classes = [], []
    for row in np.flatnonzero(data.split == TRAIN).tolist():
        marked = data.objects[row]
        asked = marked.boxes[marked.asked]
        sides.append((asked[:, 2:] - asked[:, :2]) * (side / data.sizes[row].max()))
        classes.append(marked.classes[marked.asked])
    return np.concatenate(sides), np.concatenate(classes)


def side_for(data: BoxedDataset) -> int:
    """SIDE, or more where things of some class would be smaller than SEEN; a multiple of STEP."""
    sides, classes = boxes_at(data, SIDE)
    lengths = np.sqrt(sides.prod(1))
    least = min(float(np.median(lengths[classes == number])) for number in np.unique(classes))
    wanted = SIDE * max(1.0, SEEN / max(least, 1e-6))
    return int(min(-(-wanted // STEP) * STEP, LARGEST))


def architecture_for(
    backbone: str, data: BoxedDataset, side: int, *, pyramid: bool
) -> dict[str, Any]:
    """The network's numbers for this set.

    Anchors go in equal steps from the small things of the smallest class to the large ones of the
    largest; their shapes are those of the boxes: one where nearly all are alike, else three.
    """
    sides, classes = boxes_at(data, side)
    lengths, shapes = np.sqrt(sides.prod(1)), np.log(sides[:, 1] / sides[:, 0])
    each = [np.quantile(lengths[classes == n], (0.05, 0.95)) for n in np.unique(classes)]
    low, high = min(e[0] for e in each), max(e[1] for e in each)
    step = float(np.clip((high / low) ** (1 / (SIZES - 1)), 2 ** (1 / 3), 2))
    first = float(np.sqrt(low * high)) / step ** ((SIZES - 1) / 2)
    flat, usual, tall = np.quantile(shapes, (0.1, 0.5, 0.9)).tolist()
    alike = tall - flat < 2 * math.log(SQUARE)
    ratios = tuple(math.exp(shape) for shape in ((usual,) if alike else (flat, usual, tall)))
    count = SIZES // 2 if pyramid else SIZES
    settings = Settings(sizes=tuple(step**k for k in range(count)), ratios=ratios)
    return {
        "backbone": backbone,
        "pyramid": pyramid,
        "width": 128,
        "hidden": 512,
        "smallest": [first, first * step**count] if pyramid else [first],
        "settings": asdict(settings),
    }
