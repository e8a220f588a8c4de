"""How R-CNN (Girshick, Donahue, Darrell & Malik 2014, arXiv:1311.2524) is learned from a set.

Selective search proposes regions, a network computes features of each region by itself, and one
linear classifier a class decides. Nearly all of the time goes into the features, in learning as in
use.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from striate.data import Dataset, bits_of
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN, VALIDATION
from striate.errors import DataError
from striate.inference import fastest_device
from striate.ops.boxes import overlaps
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection.keeping import keep, kept
from striate.tasks.detection.rcnn import settings as regions
from striate.tasks.detection.rcnn import solving as machines
from striate.tasks.detection.rcnn.classifiers import calibrate
from striate.tasks.detection.rcnn.extraction import Extracted, Kept, Regions, extract, search
from striate.tasks.detection.rcnn.features import RegionFeatures
from striate.tasks.detection.rcnn.predictor import MOST, RCNNPredictor
from striate.tasks.detection.rcnn.settings import RegionSettings
from striate.tasks.detection.rcnn.solving import Solving, solve
from striate.tasks.detection.rcnn.tuning import RECIPE, times_shown, tune
from striate.tasks.detection.scores import validation_metrics
from striate.training import Recipe, recipes
from striate.training.modes import seeded

NETWORK = "efficientnet_lite0"
KEPT = ("regions", "tuning", "features")  # folders of a run, until all is solved
PUBLISHED: dict[str, Any] = {  # what `learn` takes for the numbers of 2014
    "settings": regions.PUBLISHED,
    "tuning": recipes.RCNN_2014,
    "solving": machines.PUBLISHED,
}
RECALLED = (300, 1000, 2000)  # regions of a picture of which the notes give the recall


def learn(
    data: Dataset[Boxes],
    ask: Ask,
    *,
    settings: RegionSettings | None = None,
    tuning: Recipe | None = RECIPE,
    solving: Solving | None = None,
) -> Learned:
    """Searches regions, fine-tunes the network on them, computes the features of each once, then
    solves the classifiers.

    Regions, weights and features are kept in `ask.folder` until all is solved; then the result.

    Args:
        tuning: how the network is fine-tuned, where the person does not say; None uses it as it is.

    Raises:
        DataError: if nothing is marked in the training images.
        MissingExtra, WeightsError: if scikit-image or the weights are not to be had.
    """
    if not any(one.asked.any() for one in data.train.targets.objects):
        raise DataError(f"{data.name}: nothing is marked in its training images")
    settings, solving = settings or RegionSettings(), solving or Solving()
    if tuning is not None:
        tuning = ask.adjusted(ask.recipe or tuning.longer(times_shown(data)))
    clock, network = Clock(), ask.network or NETWORK
    with seeded(ask.seed):
        extractor = RegionFeatures.of(network, ask.weights, settings).to(fastest_device())
    recipe = {
        "settings": asdict(settings),
        "tuning": tuning.to_json() if tuning else None,
        "solving": asdict(solving),
    }
    places = identity_of(data, settings)
    identity = f"{places} {identity_of_network(extractor)} {ask.seed} {json.dumps(recipe)}"
    if ask.resume and ask.folder is not None:
        known = kept(ask.folder, identity, RCNNPredictor, data.classes)
        if known is not None:
            known.predictor.to(str(fastest_device()))
            return known
    folders = {name: ask.folder / name if ask.folder else None for name in KEPT}
    with clock.stage("search"):
        searching = Kept(folders["regions"], places, ask.resume)
        find = partial(search, extractor, data, kept=searching)
        training, validation = find(TRAIN, learned=settings.learned), find(VALIDATION)
    history: tuple[dict[str, float], ...] = ()
    if tuning is not None:
        left = None if ask.seconds is None else max(0.0, ask.seconds - clock.seconds["search"])
        with clock.stage("tune"):
            extractor, run = tune(
                extractor, data, training, validation, tuning, replace(ask, seconds=left),
                folder=folders["tuning"],
            )  # fmt: skip
            history = run.history
    with clock.stage("features"):
        computing = Kept(
            folders["features"], f"{places} {identity_of_network(extractor)}", ask.resume
        )
        learned_from, held_out = (
            extract(extractor, data, each, kept=computing) for each in (training, validation)
        )
    with clock.stage("solve"):
        pictures, truth = learned_from.pictures, learned_from.truth
        classifiers = solve(pictures, truth, len(data.classes), solving)
        predictor = RCNNPredictor(extractor, classifiers, solving.nms_overlap, bits_of(data.inputs))
    with clock.stage("validate"):
        metrics = validated(predictor, held_out, data.classes)
    notes = ["its network was " + ("fine-tuned on the regions" if tuning else "not fine-tuned")]
    notes += recalls(held_out, data.classes)
    notes += pace((training, validation), (learned_from, held_out))
    notes += [*training.broken, *validation.broken]
    learned = Learned(predictor, metrics, clock.seconds, network, history, recipe, tuple(notes))
    if ask.folder is not None:
        keep(ask.folder, identity, learned)
        for folder in folders.values():
            if folder is not None and folder.exists():
                shutil.rmtree(folder)
    return learned


def identity_of(data: Dataset[Boxes], settings: RegionSettings) -> str:
    """Names the regions: the same images, split and settings give the same."""
    parts = [data.fingerprint(), data.split.tolist(), asdict(settings)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def identity_of_network(extractor: RegionFeatures) -> str:
    """Names the features: the same network computes the same."""
    total = hashlib.sha256(json.dumps(extractor.header()).encode())
    for value in extractor.network.state_dict().values():
        total.update(value.numpy().tobytes())
    return total.hexdigest()


def validated(
    predictor: RCNNPredictor, held_out: Extracted, classes: tuple[str, ...]
) -> dict[str, float]:
    """Fits the calibration curves, and gives `validation_metrics`."""
    pictures = list(zip(held_out.pictures, held_out.sizes, strict=True))
    uncalibrated = [
        predictor.classifiers.detections(
            one.boxes[one.objects :],
            one.load()[one.objects :],
            size,
            nms_overlap=predictor.nms_overlap,
            most=MOST,
        )
        for one, size in pictures
    ]
    calibrate(predictor.classifiers, uncalibrated, held_out.truth)
    found = [
        predictor.among(one.boxes[one.objects :], one.load()[one.objects :], size)
        for one, size in pictures
    ]
    return validation_metrics(found, held_out.truth, classes)


def recalls(held_out: Extracted, classes: tuple[str, ...]) -> list[str]:
    """Notes: the recall of selective search for each class."""
    lines = []
    for number, name in enumerate(classes):
        met: list[list[Tensor]] = [[] for _ in RECALLED]
        for one, marked in zip(held_out.pictures, held_out.truth, strict=True):
            mine = torch.from_numpy(marked.boxes[marked.asked & (marked.classes == number)])
            table = overlaps(mine, one.boxes[one.objects :])
            for place, count in enumerate(RECALLED):
                met[place].append(table[:, :count].amax(1) if table.shape[1] else table.sum(1))
        each = [torch.cat(parts) if parts else torch.zeros(0) for parts in met]
        if len(each[0]):
            shares = "; ".join(
                f"{(best >= 0.5).float().mean():.0%} and {(best >= 0.7).float().mean():.0%} by the "
                f"first {count:,}"
                for count, best in zip(RECALLED, each, strict=True)
            )
            lines.append(
                f"{name}: recall of {len(each[0]):,} validation objects by regions, at an overlap "
                f"of 0.5 and 0.7: {shares}"
            )
    return lines


def pace(searched: Sequence[Regions], extracted: Sequence[Extracted]) -> list[str]:
    """A note: what regions and features took, where any were computed."""
    pictures, regions = sum(one.fresh for one in searched), sum(one.fresh for one in extracted)
    if not pictures or not regions:
        return []
    search = sum(one.seconds for one in searched) / pictures
    features = sum(one.seconds for one in extracted) / regions
    return [
        f"selective search took {search:.2f} s a picture, features {1000 * features:.1f} ms a "
        "region"
    ]
