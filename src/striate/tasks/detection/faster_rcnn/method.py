"""How Faster R-CNN is learned from a set: sizes, anchors, recipe."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN
from striate.models.faster_rcnn import HIDDEN, SINGLE_HIDDEN, SINGLE_WIDTH, WIDTH
from striate.models.regions import Settings
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection.faster_rcnn.predictor import FasterRCNNPredictor
from striate.tasks.detection.problem import VIEWS
from striate.tasks.detection.scaling import STEP
from striate.tasks.detection.steps import learned_by_steps
from striate.training import Recipe

NETWORK = "efficientnet_lite0"
SIDE, LARGEST = 448, 896  # pixels of the longer side
SMALLEST = 24  # pixels that objects of the smallest class should have there
SHOWN = 410  # training pictures between two evaluations, at least: validation takes long
SQUARE = 1.5  # boxes whose sides differ by less need anchors of one shape only
SIZES = 6  # of anchors, each at most twice as large as the one before
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


def learn(
    data: Dataset[Boxes],
    ask: Ask,
    *,
    recipe: Recipe = RECIPE,
    side: int | None = None,
    pyramid: bool = True,
    **sizes: int,
) -> Learned:
    """Joint training of all four losses.

    Args:
        recipe: with it, a set that is smaller than SHOWN is shown as often as SHOWN is larger.
        side: of the longer side of a picture, in pixels; None: by the smallest objects.
        pyramid: maps of strides 8 and 16 instead of the form of 2015.
        sizes: `width` and `hidden`, where not those of `models.faster_rcnn`.
    """
    side = side or side_for(data)
    architecture = architecture_for(ask.network or NETWORK, data, side, pyramid=pyramid) | sizes
    return learned_by_steps(
        FasterRCNNPredictor, architecture, data, ask, recipe=recipe, side=side, shown=SHOWN
    )


def boxes_at(data: Dataset[Boxes], side: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Width and height (K, 2) of the training boxes in pictures of that longer side, and their
    classes (K,)."""
    sides, classes = [], []
    for row in np.flatnonzero(data.split == TRAIN).tolist():
        marked = data.targets.objects[row]
        asked = marked.boxes[marked.asked]
        sides.append((asked[:, 2:] - asked[:, :2]) * (side / data.targets.sizes[row].max()))
        classes.append(marked.classes[marked.asked])
    return np.concatenate(sides), np.concatenate(classes)


def side_for(data: Dataset[Boxes]) -> int:
    """SIDE, or more where objects of a class would be smaller than SMALLEST; a multiple of STEP."""
    sides, classes = boxes_at(data, SIDE)
    lengths = np.sqrt(sides.prod(1))
    least = min(float(np.median(lengths[classes == number])) for number in np.unique(classes))
    wanted = SIDE * max(1.0, SMALLEST / max(least, 1e-6))
    return int(min(-(-wanted // STEP) * STEP, LARGEST))


def architecture_for(
    backbone: str, data: Dataset[Boxes], side: int, *, pyramid: bool
) -> dict[str, Any]:
    """The network's numbers for this set.

    Anchors go in equal steps from the small objects of the smallest class to the large ones of the
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
        "width": WIDTH if pyramid else SINGLE_WIDTH,
        "hidden": HIDDEN if pyramid else SINGLE_HIDDEN,
        "smallest": [first, first * step**count] if pyramid else [first],
        "settings": asdict(settings),
    }
