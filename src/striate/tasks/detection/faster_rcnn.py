"""Faster R-CNN as a finder, and how it is learned from a folder."""

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN
from striate.models.faster_rcnn import BACKBONES, faster_rcnn
from striate.models.regions import Settings
from striate.progress import Clock
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.networks import NetworkFinder, fill, normalization_for
from striate.tasks.detection.pictures import Scaling
from striate.tasks.detection.task import VIEWS, Detection
from striate.training import Recipe, fit
from striate.training.modes import seeded

BACKBONE = "efficientnet_lite0"
SIDE = 448  # pixels of the longer side
ROUNDS = 2  # passes over the training images that are one epoch: validation is dear
SQUARE = 1.5  # boxes whose sides differ by less need anchors of one shape only
WIDEST = 8192
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


class FasterRCNNFinder(NetworkFinder):
    """`architecture`: backbone, pyramid, width, hidden, anchor and settings of `faster_rcnn`."""

    kind: ClassVar[str] = "faster_rcnn"

    @staticmethod
    def network(architecture: dict[str, Any], classes: int) -> nn.Module:
        values = dict(architecture)
        backbone, told = values.pop("backbone"), values.pop("settings")
        if backbone not in BACKBONES or values.keys() - {"pyramid", "width", "hidden", "anchor"}:
            raise ValueError(f"it names a backbone {backbone!r} with {sorted(values)}")
        for name in ("width", "hidden"):
            if not 1 <= values[name] <= WIDEST:
                raise ValueError(f"its {name} is {values[name]!r}")
        lists = {name: tuple(told[name]) for name in ("sizes", "ratios")}
        settings = Settings(**{**told, **lists})
        model = faster_rcnn(backbone, classes=classes, settings=settings, **values)
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def learn(
    data: BoxedDataset, ask: Ask, *, recipe: Recipe = RECIPE, side: int = SIDE, pyramid: bool = True
) -> Learned:
    """Joint training of all four losses.

    Args:
        recipe: an epoch of it is ROUNDS passes over the training images.
        side: of the longer side of a picture, in pixels.
        pyramid: maps of strides 8 and 16 instead of 16 alone, as published.
    """
    clock = Clock()
    backbone = ask.backbone or BACKBONE
    with seeded(ask.seed):
        architecture = architecture_for(backbone, data, pyramid=pyramid)
        model = FasterRCNNFinder.network(architecture, len(data.classes))
        trunk = model.get_submodule("backbone")
        if ask.weights is None:
            trunk.requires_grad_(True)  # nothing is learned yet that should stay
            recipe = recipe.but(freeze_statistics=False, kept_rate=1.0)
        else:
            fill(trunk.get_submodule("stages"), backbone, ask.weights)
    task = Detection(Scaling.of(side, normalization_for(backbone, ask.weights)), rounds=ROUNDS)
    if ask.epochs is not None:
        recipe = recipe.but(epochs=ask.epochs)
    with clock.stage("decode"):
        scaled = task.prepare(data)
    with clock.stage("learn"):
        run = fit(model, task, scaled, recipe, folder=ask.folder, resume=ask.resume, seed=ask.seed)
    finder = FasterRCNNFinder(model.eval(), architecture, task.scaling)
    return Learned(finder, clock.seconds, run.best, run.history, recipe.to_json())


def architecture_for(backbone: str, data: BoxedDataset, *, pyramid: bool) -> dict[str, Any]:
    """The network's numbers for this set: one shape of anchors where nearly all boxes are nearly
    square, the published three elsewhere."""
    rows = np.flatnonzero(data.split == TRAIN).tolist()
    boxes = np.concatenate([data.objects[row].boxes for row in rows])
    sides = boxes[:, 2:] - boxes[:, :2]
    shape = np.abs(np.log(sides[:, 1] / sides[:, 0]))
    square = np.quantile(shape, 0.9) < np.log(SQUARE)
    settings = Settings(ratios=(1.0,)) if square else Settings()
    return {
        "backbone": backbone,
        "pyramid": pyramid,
        "width": 128,
        "hidden": 512,
        "anchor": 4.0,
        "settings": asdict(settings),
    }
