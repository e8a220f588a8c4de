"""Deformable part models as a finder, and how they are learned from a folder (row A7)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import progress
from striate.data.boxes import BoxedDataset, Objects
from striate.data.dataset import TRAIN, VALIDATION
from striate.errors import DataError, ImageError
from striate.evaluation.detection import average_precisions, judged, mean
from striate.handcrafted.deformable import Component, Scored, needed_levels
from striate.handcrafted.deformable_learning import Scene, Settings, learned
from striate.handcrafted.deformable_start import begun
from striate.handcrafted.pyramid import DEPTH, pyramid
from striate.models.matching import Detections
from striate.ops.boxes import clipped, without_doubles
from striate.ops.memory import keep_memory
from striate.progress import Clock
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.pictures import whole

OVERLAP = 0.4  # of two boxes of a class that are one thing found twice
LEAST = -1.2  # score of a place that is worth looking at; the margin of the background is -1
PLACES, MOST = 1000, 300  # of a component before doubles are dropped; of a picture at the end
MEMORY = 1_500_000_000  # bytes of features that learning keeps at a time
NAMES = ("root", "parts", "costs", "anchors", "outline")  # of a component's tensors
LARGEST_ROOT, MOST_PARTS = 64, 64  # cells a side, and parts, of what a file may ask for


@dataclass(frozen=True, eq=False)
class DPMFinder:
    """Components of every class, and what their scores mean.

    Attributes:
        calibration: (classes, 2) float64, slope and offset: the chance that a place with score s
            is right is 1 / (1 + exp(-(slope · s + offset))).
    """

    components: tuple[Component, ...]
    calibration: Tensor

    kind: ClassVar[str] = "dpm"

    @property
    def parameters(self) -> int:
        return sum(len(one.weights) for one in self.components)

    def find(self, pixels: NDArray[np.uint8]) -> Detections:
        found = scored(self.components, pixels)
        scores = chances(self.calibration, found)
        order = scores.argsort(descending=True, stable=True)
        return Detections(found.boxes[order], found.classes[order], scores[order])

    def tensors(self) -> dict[str, Tensor]:
        stored = {"calibration": self.calibration}
        for number, one in enumerate(self.components):
            values = (one.root, one.parts, one.costs, one.anchors, one.outline)
            stored |= {f"{number}.{name}": v for name, v in zip(NAMES, values, strict=True)}
        return {name: tensor.contiguous() for name, tensor in stored.items()}

    def header(self) -> dict[str, Any]:
        return {
            "components": [
                {"kind": one.kind, "bias": one.bias, "sides": list(one.sides)}
                for one in self.components
            ]
        }

    @classmethod
    def restored(cls, tensors: dict[str, Tensor], header: dict[str, Any], classes: int) -> Self:
        told = header["components"]
        if not isinstance(told, list) or len(tensors) != 1 + len(NAMES) * len(told):
            raise ValueError(f"{len(tensors)} tensors are not of the components it names")
        calibration = tensors["calibration"]
        if calibration.shape != (classes, 2) or calibration.dtype != torch.float64:
            raise ValueError(f"its calibration is {tuple(calibration.shape)}")
        parts = []
        for number, values in enumerate(told):
            parts.append(component_of(values, *(tensors[f"{number}.{name}"] for name in NAMES)))
            if not 0 <= parts[-1].kind < classes:
                raise ValueError(f"component {number} is of class {parts[-1].kind}")
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            raise ValueError("a tensor holds what is no number")
        return cls(tuple(parts), calibration)


def component_of(
    values: dict[str, Any],
    root: Tensor,
    parts: Tensor,
    costs: Tensor,
    anchors: Tensor,
    outline: Tensor,
) -> Component:
    """The component of a file.

    Raises:
        ValueError, LookupError, TypeError: if its numbers do not fit each other.
    """
    kind, bias, (low, high) = values["kind"], values["bias"], values["sides"]
    if type(kind) is not int or not -1e6 < bias < 1e6 or not 0 < low <= high < 1e6:
        raise ValueError(f"a component of class {kind!r}, bias {bias!r}, sides {low!r} to {high!r}")
    shapes = [tuple(tensor.shape) for tensor in (root, parts, costs, anchors, outline)]
    count = len(parts) if parts.ndim else -1
    side = parts.shape[-1] if parts.ndim else -1
    if not (
        root.ndim == 3
        and 0 <= count <= MOST_PARTS
        and max(root.shape[1:]) <= LARGEST_ROOT
        and min(root.shape[1:]) >= 1 <= side <= 2 * min(root.shape[1:])
        and shapes[:2] == [(DEPTH, *root.shape[1:]), (count, DEPTH, side, side)]
        and shapes[2:] == [(count, 4), (count, 2), (4, 1 + 2 * count)]
        and anchors.dtype == torch.int64
        and all(tensor.dtype == torch.float32 for tensor in (root, parts, costs, outline))
    ):
        raise ValueError(f"root, parts, costs, anchors and outline are {shapes}")
    limits = 2 * torch.tensor([root.shape[2], root.shape[1]]) - side
    if not bool(((anchors >= 0) & (anchors <= limits)).all() & (costs[:, 2:] > 0).all()):
        raise ValueError("a part lies beyond its root or leaves its place for nothing")
    sides = float(low), float(high)
    return Component(kind, root, float(bias), sides, parts, anchors, costs, outline)


def scored(components: Sequence[Component], pixels: NDArray[np.uint8]) -> Detections:
    """What the components find in a picture (H, W, 3), doubles dropped, with the scores of the
    machine; best first within a class."""
    height, width = pixels.shape[:2]
    features = pyramid(pixels, needed_levels(components))
    boxes, classes, scores = [torch.zeros(0, 4)], [torch.zeros(0, dtype=torch.int64)], []
    scores.append(torch.zeros(0))
    for one in components:
        seen = Scored(one, features)
        places = seen.best(LEAST, PLACES)
        inside = clipped(seen.outlined(places), (height, width))
        some = (inside[:, 2:] - inside[:, :2]).amin(1) > 0
        boxes.append(inside[some])
        scores.append(places.scores[some])
        classes.append(torch.full((int(some.sum()),), one.kind))
    all_boxes, all_classes, all_scores = torch.cat(boxes), torch.cat(classes), torch.cat(scores)
    kept = without_doubles(all_boxes, all_scores, OVERLAP, groups=all_classes)[:MOST]
    return Detections(all_boxes[kept], all_classes[kept], all_scores[kept])


def chances(calibration: Tensor, found: Detections) -> Tensor:
    """(K,) in [0, 1]: how likely each detection is right, by its class and its score."""
    slope, offset = calibration[found.classes].unbind(1)
    return torch.sigmoid(slope * found.scores + offset).float()


def calibrated(found: Sequence[Detections], truth: Sequence[Objects], classes: int) -> Tensor:
    """(classes, 2) slope and offset of each class by logistic regression on what was found, right
    or wrong at an overlap of 0.5 (Platt 1999; his targets, not quite 0 and 1, keep it finite).

    A class with little to go by is given the numbers of all classes together.
    """
    from scipy.optimize import minimize

    each = [judged(found, truth, number) for number in range(classes)]
    scores = [one.scores for one in each]
    rights = [one.right for one in each]

    def fitted(score: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
        yes, no = int(right.sum()), int((~right).sum())
        target = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))

        def cost(line: NDArray[np.float64]) -> float:
            margins = line[0] * score + line[1]
            return float((np.logaddexp(0, margins) - target * margins).sum())

        return minimize(cost, [1.0, 0.0], bounds=[(0.1, None), (None, None)]).x

    together = fitted(np.concatenate(scores), np.concatenate(rights))
    enough = [min(int(right.sum()), int((~right).sum())) >= 5 for right in rights]
    lines = [
        fitted(score, right) if some else together
        for score, right, some in zip(scores, rights, enough, strict=True)
    ]
    return torch.from_numpy(np.array(lines).reshape(classes, 2))


def learn(data: BoxedDataset, ask: Ask, *, settings: Settings | None = None) -> Learned:
    """Roots, then parts, from the training images; calibration on the validation images.

    Raises:
        DataError: if nothing can be learned from the training images.
    """
    keep_memory()
    settings = settings or Settings()
    clock, notes = Clock(), []
    empty = []
    for kind, name in enumerate(data.classes):
        boxes = training_boxes(data, kind)
        if len(boxes):
            empty += begun(boxes, kind, cells=settings.cells)
        else:
            notes.append(f"{name} has no training example: it is never found")
    if not empty:
        raise DataError(f"{data.name}: nothing is marked in its training images")
    with clock.stage("features"):
        scenes = scenes_of(data, empty, ask.seed, notes)
    with clock.stage("learn"):
        models = learned(empty, scenes, settings, seed=ask.seed)
    models = [one for one in models if one.root.any()]
    lost = sorted({one.kind for one in empty} - {one.kind for one in models})
    notes += [
        f"no place of a root covers a {data.classes[kind]}: it is never found" for kind in lost
    ]
    del scenes
    with clock.stage("calibrate"):
        found, truth = validated(data, models)
        calibration = calibrated(found, truth, len(data.classes))
        precisions = average_precisions(found, truth, len(data.classes))
    each = zip(data.classes, precisions.tolist(), strict=True)
    validation = {"map50": mean(precisions), **{f"ap50 {name}": value for name, value in each}}
    return Learned(
        DPMFinder(tuple(models), calibration),
        clock.seconds,
        validation if truth else None,
        recipe=asdict(settings),
        notes=tuple(notes),
    )


def training_boxes(data: BoxedDataset, kind: int) -> Tensor:
    """(N, 4): the training boxes of a class that are asked for."""
    rows = np.flatnonzero(data.split == TRAIN).tolist()
    marked = [data.objects[row] for row in rows]
    boxes = [one.boxes[one.asked & (one.classes == kind)] for one in marked]
    return torch.from_numpy(np.concatenate(boxes))


def scenes_of(
    data: BoxedDataset, components: Sequence[Component], seed: int, notes: list[str]
) -> list[Scene]:
    """Training images and the features that these components and their parts read, in random
    order, as many as memory holds: first those with something marked.

    Raises:
        DataError: if no training image can be read.
    """
    levels = needed_levels(components, parts=True)
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(data.split == TRAIN))
    rows = sorted(drawn.tolist(), key=lambda row: not data.objects[row].asked.any())
    scenes: list[Scene] = []
    used, broken = 0, 0
    for row in progress.track(rows, "features"):
        if used > MEMORY:
            break
        try:
            features = pyramid(whole(data.images, row), levels)
        except ImageError as error:
            broken += 1
            notes.append(f"{data.images.name(row)} was left out: {error}")
            continue
        used += sum(level.numel() * level.element_size() for level in features.levels.values())
        scenes.append(Scene(features, data.objects[row]))
    if not scenes:
        raise DataError(f"{data.name}: none of its {len(rows)} training images can be read")
    if len(scenes) + broken < len(rows):
        notes.append(f"learned from {len(scenes)} of {len(rows)} training images: memory")
    return scenes


def validated(
    data: BoxedDataset, components: Sequence[Component]
) -> tuple[list[Detections], list[Objects]]:
    """What is found in the validation images that can be read, and what is marked there."""
    found, truth = [], []
    for row in progress.track(np.flatnonzero(data.split == VALIDATION).tolist(), "validate"):
        try:
            found.append(scored(components, whole(data.images, row)))
        except ImageError:
            continue  # the images that are tested are told of; here one less is no harm
        truth.append(data.objects[row])
    return found, truth
