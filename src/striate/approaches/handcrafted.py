"""Features people designed: dense SIFT, visual words, a spatial pyramid, support vectors.

The "BoW" row of the lectures' tables (Lazebnik et al. 2006; Liu, Wang & Liu 2011 for the coding).
"""

from dataclasses import asdict

from striate import handcrafted as features
from striate.approaches.outcome import Ask, Learned
from striate.data import Dataset, Decoded, native
from striate.images import View
from striate.progress import Clock
from striate.recognizer.storage import BAG
from striate.tasks.classification import split
from striate.training import Preprocessing


def view(dataset: Dataset, model: str | None = None) -> View:
    """The whole picture, squeezed into a square; gray is enough."""
    side, _ = native(dataset)
    return View(features.settings_for(side).side, channels=1, fit="squash")


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
        )
    chosen = asdict(report.best)
    return Learned(
        model,
        {"name": BAG, "options": asdict(model.settings)},
        Preprocessing(shape, (0.0,), (1.0,)),
        recipe={"settings": asdict(model.settings), "chosen": chosen},
        seconds=clock.seconds,
        notes=(f"{chosen['mapping']} kernel map, cost {chosen['cost']:g}",),
    )
