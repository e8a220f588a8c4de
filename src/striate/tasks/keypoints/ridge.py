"""Places by ridge regression on features that are not learned: histograms of gradients, or what a
frozen network sees."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data import Decoded
from striate.data.splits import TRAIN, VALIDATION
from striate.inference import Preprocessing, device_of, evaluating, fastest_device
from striate.models import Normalization
from striate.models.backbone import stage_of
from striate.models.heat_maps import Ridge
from striate.ops.memory import channels_last
from striate.progress import Clock, track
from striate.tasks.backbones import fill, normalization_for
from striate.tasks.contract import Ask, Learned
from striate.tasks.keypoints.canvas import view_of
from striate.tasks.keypoints.networks import network
from striate.tasks.keypoints.problem import Placed, errors, measured
from striate.tasks.keypoints.steps import NETWORK, finished
from striate.training.modes import seeded

Floats = NDArray[np.float64]
STRENGTHS = tuple(10.0**k for k in range(-7, 3))
"""Of the penalty on squared weights, times the mean square of the features; validation chooses."""
SIDE = {"hog": 128, "deep": 224}
STRIDES = (16, 32)  # of the stages of which validation chooses
MOST = 4000  # pictures that are learned from: what is solved is a square of so many
AT_ONCE = 16


def learn_hog(data: Decoded, ask: Ask) -> Learned:
    """Histograms of oriented gradients."""
    view = view_of(SIDE["hog"])
    pixels = data.pixels[view][data.dataset.split == TRAIN]
    architecture = {"network": "hog_ridge", "size": view.size}
    preprocessing = Preprocessing(view, Normalization.measured(pixels))
    return learned(data, ask, [architecture], preprocessing, None)


def learn_deep(data: Decoded, ask: Ask) -> Learned:
    """The map of a stage of a frozen network."""
    name = ask.network or NETWORK
    view = view_of(SIDE["deep"])
    tried = [
        {"network": "deep_ridge", "backbone": name, "stride": stride, "size": view.size}
        for stride in STRIDES
        if stage_of(name, stride, pooled=True) is not None
    ]
    preprocessing = Preprocessing(view, normalization_for(name, ask.weights))
    return learned(data, ask, tried, preprocessing, name)


def learned(
    data: Decoded,
    ask: Ask,
    tried: Sequence[dict[str, Any]],
    preprocessing: Preprocessing,
    backbone: str | None,
) -> Learned:
    """The best of these architectures, with the strength that is best on validation."""
    clock = Clock()
    placed = Placed.of(data, preprocessing)
    train, validation = placed.rows(TRAIN), placed.rows(VALIDATION)
    if len(train) > MOST:
        train = np.sort(np.random.default_rng(ask.seed).choice(train, MOST, replace=False))
    side = preprocessing.view.size
    truth = placed.places.numpy()[train].astype(np.float64) / side
    best: tuple[float, Ridge, dict[str, Any], str] | None = None
    for architecture in tried:
        with seeded(ask.seed):
            model = network(architecture, len(placed.dataset.classes)).eval()
        assert isinstance(model, Ridge)
        if backbone is not None:
            fill(model, backbone, ask.weights)
        channels_last(model).to(fastest_device())
        with clock.stage("features"):
            inputs = features(model, preprocessing, placed.pixels, train)
            others = features(model, preprocessing, placed.pixels, validation)
        with clock.stage("solve"):
            for strength, weights, bias in solutions(inputs, truth):
                found = (others @ weights.T + bias).reshape(len(others), -1, 2) * side
                area = measured(errors(found, placed.dataset, validation, side))["area"]
                if best is None or area > best[0]:
                    with torch.no_grad():
                        model.linear.weight.copy_(torch.from_numpy(weights))
                        model.linear.bias.copy_(torch.from_numpy(bias))
                    note = f"ridge of strength {strength:g}"
                    if "stride" in architecture:
                        note += f" on the map of stride {architecture['stride']}"
                    best = area, model, architecture, note
    assert best is not None
    finder, metrics = finished(best[1], best[2], preprocessing, placed, clock)
    return Learned(finder, metrics, clock.seconds, network=backbone, notes=(best[3],))


def features(
    model: Ridge, preprocessing: Preprocessing, pixels: NDArray[np.uint8], rows: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(n, D) of some pictures."""
    found = []
    with evaluating(model):
        for first in track(range(0, len(rows), AT_ONCE), "features"):
            some = np.asarray(pixels[rows[first : first + AT_ONCE]])
            images = preprocessing.tensor(some, device_of(model))
            found.append(model.features(images).float().cpu().numpy())
    return np.concatenate(found)


def solutions(
    inputs: NDArray[np.float32], truth: Floats
) -> "list[tuple[float, NDArray[np.float32], NDArray[np.float32]]]":
    """For each of STRENGTHS the ridge regression of points on features, in its dual form (Saunders
    et al. 1998): there are fewer pictures than features.

    Args:
        inputs: (N, D).
        truth: (N, K, 2), nan where a part is not marked: it is learned from the others.

    Returns:
        Strength, weights (2 K, D) and bias (2 K,).
    """
    count, parts = len(inputs), truth.shape[1]
    dual = np.zeros((len(STRENGTHS), count, 2 * parts))
    middles = np.zeros(2 * parts)
    shifts = np.zeros((2 * parts, inputs.shape[1]))
    marked = np.isfinite(truth).all(2)
    patterns, which = np.unique(marked, axis=1, return_inverse=True)
    gram = None
    for number, pattern in enumerate(patterns.T):
        columns = [c for part in np.flatnonzero(which == number) for c in (2 * part, 2 * part + 1)]
        rows = np.flatnonzero(pattern)
        if not len(rows):
            middles[columns] = 0.5
            continue
        mean = inputs[rows].mean(0)
        if gram is None:
            gram = (inputs @ inputs.T).astype(np.float64)
        some = gram[np.ix_(rows, rows)]
        across = some.mean(1)
        centered = some - across[:, None] - across[None] + across.mean()
        values, vectors = np.linalg.eigh(centered)
        wanted = truth.reshape(count, -1)[np.ix_(rows, columns)]
        middle = wanted.mean(0)
        turned = vectors.T @ (wanted - middle)
        scale = max(float(np.trace(centered)) / len(rows), 1e-12)
        for k, strength in enumerate(STRENGTHS):
            each = vectors @ (turned / (values.clip(0) + strength * scale)[:, None])
            dual[k][np.ix_(rows, columns)] = each
        middles[columns], shifts[columns] = middle, mean
    found = []
    for strength, alpha in zip(STRENGTHS, dual, strict=True):
        weights = alpha.T.astype(np.float32) @ inputs
        weights -= alpha.sum(0).astype(np.float32)[:, None] * shifts.astype(np.float32)
        bias = middles - (weights * shifts).sum(1)
        found.append((strength, weights, bias.astype(np.float32)))
    return found
