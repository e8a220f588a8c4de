"""Deep features of a network trained on ImageNet, and a linear classifier (Donahue et al. 2014)."""

import time
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data import SMALL, SPLITS, Dataset, Decoded, bits_of, native
from striate.images import View
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import classifier, entry, folded
from striate.models.surgery import Before
from striate.ops.memory import channels_last
from striate.progress import Clock, stage
from striate.tasks.classification.finishing import Made, finished
from striate.tasks.classification.heads import Head, solve
from striate.tasks.classification.network import Network
from striate.tasks.classification.starting import (
    PRETRAINED,
    channels_of,
    side_for,
    started,
    weights_of,
)
from striate.tasks.contract import Ask, Learned

SMALL_SIDE = 96  # what pictures of at most SMALL pixels are enlarged to
BATCH = 32


def view(dataset: Dataset[Any], name: str | None = None, weights: str | Path | None = None) -> View:
    """The network's own size for photographs; for small pictures less, where it computes that."""
    name = name or PRETRAINED
    side, _ = native(dataset)
    channels = channels_of(name, weights)
    bits = bits_of(dataset.inputs)
    if side <= SMALL:
        size = side_for(name, SMALL_SIDE, channels)
        return View(size, channels=channels, fit="squash", bits=bits)
    return View(entry(name).image_size, channels=channels, fraction=1.0, bits=bits)


def views(dataset: Dataset[Any], ask: Ask) -> tuple[View, ...]:
    """What it reads of each picture."""
    return (view(dataset, ask.network, ask.weights),)


def learn(data: Decoded, ask: Ask) -> Learned:
    """The pretrained network as it is, with a classifier solved on its features of these images."""
    clock = Clock()
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    start = started(name, weights, len(data.dataset.classes))
    preprocessing = Preprocessing(view(data.dataset, name, weights), start.normalization)
    features, seconds = deep_features(data, name, weights, preprocessing)
    with clock.stage("classifier"):
        head = solved_head(data.dataset, features)
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


def solved_head(dataset: Dataset[Any], features: NDArray[np.float32]) -> Head:
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
    )


Kept = dict[tuple[str, str], tuple[NDArray[np.float32], float]]
_kept: dict[int, Kept] = {}  # by the identity of pixels, as long as they live


def deep_features(
    data: Decoded, name: str, weights: str | Path, preprocessing: Preprocessing
) -> tuple[NDArray[np.float32], float]:
    """The features (N, D) of every image by the pretrained network, and the seconds that took.

    A frozen network gives the same features each time, so those of a set are kept as long as its
    pixels: another draw of the same images computes nothing.
    """
    pixels = data.pixels[preprocessing.view]
    if id(pixels) not in _kept:
        _kept[id(pixels)] = {}
        weakref.finalize(pixels, _kept.pop, id(pixels), None)
    kept, key = _kept[id(pixels)], (name, str(weights))
    if key not in kept:
        start = time.perf_counter()
        features = _compute(pixels, name, weights, preprocessing)
        kept[key] = features, time.perf_counter() - start
    return kept[key]


def _compute(
    pixels: NDArray[np.uint8], name: str, weights: str | Path, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    model = started(name, weights, entry(name).classes).model
    trunk = channels_last(Before(folded(model))).to(fastest_device())
    with stage("deep features of each picture", len(pixels)) as bar:
        features = outputs_of(trunk, preprocessing, pixels, batch_size=BATCH, bar=bar)
    return features.flatten(1).numpy()
