"""Features people designed: dense SIFT, visual words, a spatial pyramid, support vectors.

The "BoW" row of the lectures' tables (Lazebnik et al. 2006; Liu, Wang & Liu 2011 for the coding).
"""

from dataclasses import asdict
from typing import Any

from striate import handcrafted as features
from striate.data import Dataset, Decoded, bits_of, native
from striate.images import View
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.problem import split
from striate.tasks.classification.visual_words import VisualWords
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.beginning import balance_of
from striate.tasks.pictures.problem import importance


def view(dataset: Dataset[Any]) -> View:
    """The whole picture, squeezed into a square; gray is enough."""
    side, _ = native(dataset)
    size = features.settings_for(side).side
    return View(size, channels=1, fit="squash", bits=bits_of(dataset.inputs))


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture."""
    return (view(dataset),)


def learn(data: Decoded, ask: Ask) -> Learned:
    """Dictionary and machine from the training images; kernel map and cost by validation."""
    clock = Clock()
    side, gray = native(data.dataset)
    shape = view(data.dataset)
    with clock.stage("learn"):
        model, report = features.fit(
            *split(data, shape, "train"),
            *split(data, shape, "validation"),
            classes=len(data.dataset.classes),
            settings=features.settings_for(side),
            seed=ask.seed,
            mirror=not gray,
            importance=importance(data.dataset.train, balance_of(ask)),
        )
    chosen = asdict(report.best)
    made = Made(
        VisualWords.of(model, shape),
        recipe={"settings": asdict(model.settings), "chosen": chosen},
        seconds=clock.seconds,
        notes=(f"{chosen['mapping']} kernel map, cost {chosen['cost']:g}",),
    )
    return finished(made, data)
