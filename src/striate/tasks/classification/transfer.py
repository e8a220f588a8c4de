"""Deep features of a network trained on ImageNet, and a linear classifier (Donahue et al. 2014).

The paper reads one full connection. A network that decides by the means of its last map is read
there and in earlier maps (`StatisticsPooling`): chosen on validation pictures of clothes (top-1
85.0 % by the last map alone, 88.6 % so) and of X-rays (78 and 84 %), butterflies being right either
way; an answer costs what it did.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data import SPLITS, Dataset, Decoded
from striate.data.splits import TRAIN
from striate.inference import Preprocessing, fastest_device
from striate.models import classifier
from striate.models.multilevel import Multilevel, balanced
from striate.progress import Clock
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.heads import Head, solve
from striate.tasks.classification.network import Network
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.beginning import balance_of
from striate.tasks.pictures.features import deep_features, view
from striate.tasks.pictures.problem import importance
from striate.tasks.pictures.starting import PRETRAINED, started, weights_of


def learn(data: Decoded, ask: Ask) -> Learned:
    """The pretrained network as it is, with a classifier solved on its features of these images."""
    clock = Clock()
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    start = started(name, weights, len(data.dataset.classes), several=True)
    preprocessing = Preprocessing(view(data.dataset, name, weights), start.normalization)
    features, seconds = deep_features(data, name, weights, preprocessing, several=True)
    if isinstance(start.model, Multilevel):
        _, features = balanced(start.model, features[data.dataset.split == TRAIN], features)
    with clock.stage("classifier"):
        counts = importance(data.dataset.train, balance_of(ask))
        head = solved_head(data.dataset, features, counts)
        head.put_into(classifier(start.model)[1])
    rows = {part: data.dataset.split == number for number, part in enumerate(SPLITS)}
    made = Made(
        Network(
            model=start.model.eval().to(fastest_device()),
            architecture=start.architecture,
            preprocessing=preprocessing,
            classes=len(data.dataset.classes),
        ),
        recipe={"weights": str(weights), "strength": head.strength},
        seconds={"features": seconds, **clock.seconds},
        network=name,
        notes=(f"{name}, regularization {1 / head.strength:g}",),
        logits=head(features),
        features={part: torch.from_numpy(features[some]) for part, some in rows.items()},
    )
    return finished(made, data)


def solved_head(
    dataset: Dataset[Any], features: NDArray[np.float32],
    importance: NDArray[np.float64] | None = None,
) -> Head:  # fmt: skip
    """The classifier on deep features (N, D) of the images of a set, row for row."""
    train, validation = (
        np.flatnonzero(dataset.split == SPLITS.index(name)) for name in ("train", "validation")
    )
    targets = dataset.targets.single()
    return solve(
        features[train],
        targets[train],
        features[validation],
        targets[validation],
        classes=len(dataset.classes),
        importance=importance,
    )
