"""How networks with a pretrained backbone are learned: FCN and DeepLab."""

from typing import Any

from striate.augment import Augmentation, Spread
from striate.data import Dataset, Masks
from striate.tasks.contract import Ask, Learned
from striate.tasks.segmentation.crf import again, with_crf
from striate.tasks.segmentation.steps import learned_by_steps
from striate.tasks.segmentation.unet import LARGEST, side_of
from striate.training import Recipe

NETWORK = "efficientnet_lite0"
SMALLEST = 320  # pixels of the longer side that smaller pictures are enlarged to
WINDOW = 320
EPOCH = 150

POINTS = (
    "learned from one point for each class in a picture; the validation masks, by which the best "
    "epoch is chosen, are whole"
)

VIEWS = Augmentation(
    Spread(mirror=0.5, rotation=5, zoom=0.4, stretch=0.1),
    brightness=0.2,
    contrast=0.2,
    saturation=0.2,
)
RECIPE = Recipe(
    epochs=16,
    batch_size=4,
    learning_rate=1e-3,
    optimizer="adamw",
    weight_decay=1e-2,
    warmup=0.05,
    kept_rate=0.3,
    freeze_statistics=True,
    clip=5.0,
    average=0.98,
    augmentation=VIEWS,
)


def learn(
    data: Dataset[Masks],
    ask: Ask,
    *,
    network: str,
    recipe: Recipe = RECIPE,
    window: int = WINDOW,
    epoch: int = EPOCH,
    balance: float | None = None,
    crf: bool = False,
    points: bool = False,
    **options: Any,
) -> Learned:
    """Learning from the weights of a classifier.

    Args:
        network: "fcn" or "deeplab".
        points: whether a point for each class is all that is seen of a training mask.
        crf: whether a fully connected CRF stands behind it.
        options: of its builder.
    """
    architecture = {"network": network, "backbone": ask.network or NETWORK, **options}
    side = read_side(data)
    learned = learned_by_steps(
        architecture, data, ask, recipe=recipe, side=side, window=min(window, side or LARGEST),
        epoch=epoch, balance=0.0 if points else balance, points=points,
        notes=(POINTS,) if points else (),
    )  # fmt: skip
    return with_crf(learned, again(learned, data)) if crf else learned


def read_side(data: Dataset[Masks]) -> int | None:
    """The side that pictures are brought to for a network that knows photographs."""
    side = side_of(data)
    return SMALLEST if side is None and data.targets.sizes.max() < SMALLEST else side
