"""How YOLO is learned from a set: its grid and recipe."""

import numpy as np

from striate.augment import Augmentation, Spread
from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN
from striate.models.yolo import CELLS, PUBLISHED, PUBLISHED_CELL, PUBLISHED_WIDTH
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection.steps import learned_by_steps
from striate.tasks.detection.yolo.predictor import YOLOPredictor
from striate.training import Recipe

NETWORK = "efficientnet_lite0"
SIDE = 448  # pixels, as published
PUBLISHED_GRID = SIDE // PUBLISHED_CELL
SHARED = 0.02  # of the training boxes that may share a cell before cells are halved
SHOWN = 820  # training pictures between two evaluations, at least: validation takes long

# Section 2.2: scaling by up to 20 %, exposure and saturation (there in HSV), and translations, half
# as long as there, for they cut objects off; the mirror is from the authors' program.
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


def learn(
    data: Dataset[Boxes],
    ask: Ask,
    *,
    recipe: Recipe = RECIPE,
    side: int = SIDE,
    grid: int | None = None,
    connected: bool = False,
    width: int = 256,
) -> Learned:
    """Learning the five sums of Equation 3. The paper's own networks, "yolo" and "fast_yolo", come
    with the paper's own layers upon them.

    Args:
        recipe: with it, a set that is smaller than SHOWN is shown as often as SHOWN is larger.
        side: pictures are stretched to a square of it, in pixels.
        grid: of cells; None: 7 as published (side / 64), or 14 where too many boxes would share a
            cell.
        connected: two full connections predict, as published, which need far more pictures.
        width: of the added convolutions; 1024 in the paper.

    Raises:
        ModelError: if memory has no room for the network.
    """
    network = ask.network or NETWORK
    if network in PUBLISHED:
        grid, connected, width = grid or side // PUBLISHED_CELL, True, PUBLISHED_WIDTH
    grid = grid or grid_for(data, side)
    architecture = {
        "backbone": network,
        "grid": grid,
        "boxes": 2,
        "side": side,
        "connected": connected,
        "width": width,
    }
    share = shared(data, grid)
    notes = (
        f"{grid} x {grid} cells; {share:.1%} of the training boxes share one with another",
        "its scores are a probability times an overlap, and low: take boxes from 0.3 on",
    )
    return learned_by_steps(
        YOLOPredictor, architecture, data, ask, recipe=recipe, side=side, shown=SHOWN,
        stretched=True, notes=notes,
    )  # fmt: skip


def grid_for(data: Dataset[Boxes], side: int = SIDE) -> int:
    """Cells of 64 pixels as published, unless more than SHARED of the boxes would share one; then
    cells of 32."""
    published = side // PUBLISHED_CELL
    return published if shared(data, published) <= SHARED else side // CELLS[0]


def shared(data: Dataset[Boxes], grid: int) -> float:
    """The share of the training boxes whose center lies in a cell with that of another."""
    together, total = 0, 0
    for row in np.flatnonzero(data.split == TRAIN).tolist():
        marked = data.targets.objects[row]
        boxes = marked.boxes[marked.asked]
        height, width = data.targets.sizes[row].tolist()
        places = (boxes[:, :2] + boxes[:, 2:]) / 2 / (width, height) * grid
        cells = np.minimum(places.astype(np.int64), grid - 1)
        _, counts = np.unique(cells, axis=0, return_counts=True)
        together += int(counts[counts > 1].sum())
        total += len(boxes)
    return together / max(1, total)
