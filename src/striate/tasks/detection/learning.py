"""From a folder with boxes to a detector: the ways to learn one, and what each is worth."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from striate.checking.boxes import scored_apart
from striate.data.boxes import BoxedDataset
from striate.data.dataset import TEST, TRAIN, VALIDATION
from striate.errors import DataError, MissingExtra, UnknownName
from striate.models.faster_rcnn import BACKBONES
from striate.models.networks import source_of
from striate.models.published import locate
from striate.models.yolo import BACKBONES as YOLO_BACKBONES
from striate.tasks.detection import dpm, dpm_rounds, faster_rcnn, keeping, rcnn, yolo
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.detector import Detector
from striate.tasks.detection.measuring import Measured, measured
from striate.tasks.detection.rcnn_features import READ
from striate.version import __version__


@dataclass(frozen=True)
class Method:
    """One way to learn detection.

    Attributes:
        title: as people call it.
        backbones: that it can read, the first where none is named.
        by_epochs: whether any of it learns by gradient steps; the others are solved at once.
    """

    title: str
    learn: Callable[[BoxedDataset, Ask], Learned]
    backbones: tuple[str, ...] = ()
    by_epochs: bool = False
    needs: tuple[str, ...] = ()
    """Packages beyond the library's own, of the extra "detection"."""

    def prepare(self, backbone: str | None, weights: str | Path | None) -> None:
        """Sees now what would be missing later.

        Raises:
            MissingExtra, WeightsError: if a package or the backbone's weights are not to be had.
        """
        for package in self.needs:
            try:
                import_module(package)
            except ImportError as error:
                raise MissingExtra(self.title, "detection") from error
        if backbone is not None and weights is not None:
            locate(source_of(backbone, weights))


def _first(name: str, others: Iterable[str]) -> tuple[str, ...]:
    """Names, this one in front."""
    return (name, *(other for other in others if other != name))


# In the order of their years; the last two are the forms in which YOLO and Faster R-CNN came.
METHODS = {
    "dpm": Method("Deformable parts (DPM)", dpm.learn),
    "rcnn": Method(
        "R-CNN",
        rcnn.learn,
        _first(rcnn.BACKBONE, READ),
        by_epochs=True,
        needs=("skimage",),
    ),
    "yolo": Method("YOLO", yolo.learn, _first(yolo.BACKBONE, YOLO_BACKBONES), by_epochs=True),
    "faster_rcnn": Method(
        "Faster R-CNN",
        faster_rcnn.learn,
        _first(faster_rcnn.BACKBONE, BACKBONES),
        by_epochs=True,
    ),
    "yolo_7x7": Method(
        "YOLO, 7 x 7 cells",
        partial(yolo.learn, grid=yolo.PUBLISHED_GRID),
        _first(yolo.BACKBONE, YOLO_BACKBONES),
        by_epochs=True,
    ),
    "faster_rcnn_single": Method(
        "Faster R-CNN, one map",
        partial(faster_rcnn.learn, pyramid=False),
        _first(faster_rcnn.BACKBONE, BACKBONES),
        by_epochs=True,
    ),
}
COMPARED = ("dpm", "rcnn", "yolo", "faster_rcnn")
DEFAULT = "faster_rcnn"
BEGUN = ("run.json", "regions", dpm_rounds.NAME, keeping.NAME)  # what a run leaves in its folder


@dataclass(frozen=True, eq=False)
class Outcome:
    """One method, learned and tested.

    Attributes:
        name: of the method and its backbone, as `learn` takes it.
        measured: on the test images; None where there are none.
        told: what a person should know of the images.
    """

    name: str
    method: Method
    detector: Detector
    learned: Learned
    measured: Measured | None
    told: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """What learning took."""
        return sum(self.learned.seconds.values())


def names() -> list[str]:
    """What `learn` knows: each method, and each with each of its backbones."""
    return [
        full
        for name, method in METHODS.items()
        for full in (name, *(f"{name}_{backbone}" for backbone in method.backbones))
    ]


def method_of(name: str) -> tuple[Method, str | None]:
    """The method and the backbone of "faster_rcnn_resnet18".

    Raises:
        UnknownName: with the closest names.
    """
    for key, method in METHODS.items():
        if name == key:
            return method, method.backbones[0] if method.backbones else None
        for backbone in method.backbones:
            if name == f"{key}_{backbone}":
                return method, backbone
    raise UnknownName("detector", name, names())


def learn(data: BoxedDataset, name: str = DEFAULT, ask: Ask | None = None) -> Outcome:
    """Learns to find what is marked, and tests what was learned.

    A test image that also stands in training or validation is not scored.

    Args:
        name: one of `names()`.
        ask: its backbone is the one of `name`.

    Raises:
        UnknownName: if there is no such detector.
        DataError: if nothing is marked in the training images, epochs are asked of a method that
            has none, or the folder holds a run that is not to be resumed.
        MissingExtra, WeightsError: if the weights are not to be had.
    """
    method, _ = method_of(name)
    ask = ask or Ask()
    if ask.epochs is not None and not method.by_epochs:
        raise DataError(f"{name} is solved at once, without epochs; leave {ask.epochs} out")
    return learn_from(sound(data), name, ask)


def learn_from(data: BoxedDataset, name: str, ask: Ask) -> Outcome:
    """`learn` from a set that is `sound`."""
    method, backbone = method_of(name)
    ask = replace(ask, backbone=backbone)
    if ask.folder is not None and not ask.resume and begun(ask.folder):
        raise DataError(f"{ask.folder} holds a run already; resume it or name another")
    method.prepare(backbone, ask.weights)
    learned = method.learn(data, ask)
    learned = replace(learned, notes=(*learned.notes, *unlearned(data)))
    provenance: dict[str, Any] = {
        **origin(data, name, ask.seed),
        "weights": str(ask.weights),
        "recipe": learned.recipe,
        "seconds": learned.seconds,
        "validation": learned.validation,
        "notes": list(learned.notes),
    }
    detector = Detector(learned.finder, data.classes, provenance)
    return tested(data, name, method, detector, learned)


def begun(folder: Path) -> bool:
    """Whether a run was begun there."""
    return any((folder / name).exists() for name in BEGUN)


def unlearned(data: BoxedDataset) -> list[str]:
    """A note for each class that no training image shows."""
    counts = data.counts()[:, TRAIN].tolist()
    return [
        f"{name} is marked in no training image and will not be found"
        for name, count in zip(data.classes, counts, strict=True)
        if not count
    ]


def origin(data: BoxedDataset, name: str, seed: int) -> dict[str, Any]:
    """What must be the same for two detectors to be the same: images, method, seed, version."""
    return {
        "striate": __version__,
        "data": data.name,
        "fingerprint": data.fingerprint(),
        "learned": data.take((data.split != TEST).nonzero()[0]).fingerprint(),
        "method": name,
        "seed": seed,
    }


def learned_before(detector: Detector, data: BoxedDataset, name: str, seed: int) -> Outcome | None:
    """A detector of a file, tested; None if it was learned otherwise."""
    known = detector.provenance
    if any(known.get(key) != value for key, value in origin(data, name, seed).items()):
        return None
    learned = Learned(
        detector.finder,
        dict(known["seconds"]),
        known["validation"],
        recipe=dict(known["recipe"]),
        notes=tuple(known["notes"]),
    )
    return tested(data, name, method_of(name)[0], detector, learned)


def tested(
    data: BoxedDataset, name: str, method: Method, detector: Detector, learned: Learned
) -> Outcome:
    """The outcome, on the test images where there are any."""
    rows = np.flatnonzero(data.split == TEST).tolist()
    test = measured(detector.finder, data, rows) if rows else None
    return Outcome(name, method, detector, learned, test, data.notes)


def sound(data: BoxedDataset) -> BoxedDataset:
    """The set without test images that are learned from.

    Raises:
        DataError: where there is nothing to learn from, to choose on, or to score honestly.
    """
    if not data.counts()[:, TRAIN].any():
        count = int((data.split == TRAIN).sum())
        raise DataError(f"{data.name}: nothing is marked in its {count} training images")
    if not (data.split == VALIDATION).any():
        raise DataError(f"{data.name}: no validation image to choose on")
    return scored_apart(data)
