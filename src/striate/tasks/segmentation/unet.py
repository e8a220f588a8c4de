"""How networks are learned from random weights: U-Net, and others that have no backbone."""

from typing import Any

import numpy as np

from striate.augment import Augmentation, Spread
from striate.data import Dataset, Masks
from striate.data.splits import TRAIN
from striate.tasks.contract import Ask, Learned
from striate.tasks.segmentation.steps import learned_by_steps
from striate.training import Recipe

LARGEST = 640  # pixels of a side that pictures keep their own scale up to
WINDOW = 128
EPOCH = 400  # pictures that one epoch shows at least: validation takes long

VIEWS = Augmentation(
    Spread(mirror=0.5, rotation=15, zoom=0.3, stretch=0.1, shear=5),
    brightness=0.3,
    contrast=0.3,
    saturation=0.3,
    hue=20,
)
# For about ten minutes of two cores.
RECIPE = Recipe(
    epochs=24,
    batch_size=4,
    learning_rate=2e-3,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.05,
    clip=5.0,
    average=0.98,
    augmentation=VIEWS,
)
UNET: dict[str, Any] = {"network": "unet", "width": 16, "depth": 4}


def side_of(dataset: Dataset[Masks], largest: int = LARGEST) -> int | None:
    """The side that pictures are brought to: None, their own scale, unless half of them are
    larger than that."""
    sizes = dataset.targets.sizes[dataset.split == TRAIN].max(1)
    return None if np.median(sizes) <= largest else largest


def learn(
    data: Dataset[Masks],
    ask: Ask,
    *,
    architecture: dict[str, Any] = UNET,
    recipe: Recipe = RECIPE,
    window: int = WINDOW,
    epoch: int = EPOCH,
    balance: float | None = None,
) -> Learned:
    """Learning from random weights, at the pictures' own scale where they are not large."""
    return learned_by_steps(
        architecture, data, ask, recipe=recipe, side=side_of(data), window=window, epoch=epoch,
        balance=balance,
    )  # fmt: skip
