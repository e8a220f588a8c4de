"""Deep features of a network trained on ImageNet, and a linear classifier (Donahue et al. 2014)."""

import time
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from striate.approaches.heads import Head, solve
from striate.approaches.outcome import Ask, Learned
from striate.data import SMALL, SPLITS, Dataset, Decoded, native
from striate.errors import ModelError
from striate.images import View
from striate.models import classifier, create, entry, folded
from striate.models.published import locate
from striate.ops.memory import channels_last
from striate.progress import Clock, stage
from striate.recognizer.recognizer import Before
from striate.training import Preprocessing, fastest_device
from striate.training.outputs import outputs_of

PRETRAINED = "efficientnet_lite0"
SMALL_SIDE = 96  # what pictures of at most SMALL pixels are enlarged to
BATCH = 32


def view(dataset: Dataset, model: str | None = None) -> View:
    """The network's own size for photographs, less for small pictures."""
    side, _ = native(dataset)
    if side <= SMALL:
        return View(SMALL_SIDE, fit="squash")
    return View(entry(model or PRETRAINED).image_size, fraction=1.0)


def find_weights(model: str | None = None) -> None:
    """Sees that the published weights are here, fetching them if need be.

    Raises:
        MissingExtra, WeightsError: if they cannot be had: better now than after an hour's work.
    """
    name = model or PRETRAINED
    locate(f"{name}.{weights_of(name)}")


def learn(data: Decoded, ask: Ask) -> Learned:
    """The pretrained network as it is, with a classifier solved on what it says of these images."""
    clock = Clock()
    name = ask.model or PRETRAINED
    preprocessing = preprocessing_of(name, view(data.dataset, name))
    features, seconds = deep_features(data, name, preprocessing)
    with clock.stage("classifier"):
        head = solved_head(data.dataset, features)
        model = create(name, classes=len(data.dataset.classes), weights=weights_of(name))
        head.put_into(classifier(model)[1])
    return Learned(
        model,
        {"name": name, "options": {}},
        preprocessing,
        recipe={"weights": weights_of(name), "strength": head.strength},
        seconds={"features": seconds, **clock.seconds},
        notes=(f"{name}, regularization {1 / head.strength:g}",),
        logits=head(features),
        features={
            name: torch.from_numpy(features[data.dataset.split == SPLITS.index(name)])
            for name in ("train", "validation")
        },
    )


def solved_head(dataset: Dataset, features: NDArray[np.float32]) -> Head:
    """The classifier on deep features (N, D) of the images of a set, row for row."""
    train, validation = (
        np.flatnonzero(dataset.split == SPLITS.index(name)) for name in ("train", "validation")
    )
    targets = dataset.targets
    return solve(
        features[train],
        targets[train],
        features[validation],
        targets[validation],
        classes=len(dataset.classes),
    )


Kept = dict[str, tuple[NDArray[np.float32], float]]
_kept: WeakKeyDictionary[Decoded, Kept] = WeakKeyDictionary()


def deep_features(
    data: Decoded, name: str, preprocessing: Preprocessing
) -> tuple[NDArray[np.float32], float]:
    """What the pretrained network says of every image (N, D), and the seconds that took.

    A frozen network says the same each time, so what it said of a set is kept as long as the set.
    """
    kept = _kept.setdefault(data, {})
    if name not in kept:
        start = time.perf_counter()
        kept[name] = (_compute(data, name, preprocessing), time.perf_counter() - start)
    return kept[name]


def _compute(data: Decoded, name: str, preprocessing: Preprocessing) -> NDArray[np.float32]:
    trunk = channels_last(Before(folded(create(name, weights=weights_of(name)))))
    pixels = data.pixels[preprocessing.view]
    with stage("deep features", len(pixels)) as bar:
        features = outputs_of(
            trunk.to(fastest_device()), preprocessing, pixels, batch_size=BATCH, bar=bar
        )
    return features.flatten(1).numpy()


def weights_of(name: str) -> str:
    """The published weights of a network.

    Raises:
        ModelError: if there are none.
    """
    known = entry(name)
    if not known.weights:
        raise ModelError(f"no pretrained weights are published for {name}; try {PRETRAINED}")
    return known.weights[0]


def preprocessing_of(name: str, view: View) -> Preprocessing:
    """What the published weights of a network expect, in this view."""
    normalization = entry(name).normalization
    return Preprocessing(view, normalization.mean, normalization.std, normalization.bgr)
