"""Deformable part models, learned from a folder: roots and parts from the training images, what a
score means from the validation images."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from striate import progress
from striate.data.boxes import BoxedDataset, Objects, whole
from striate.data.dataset import TRAIN, VALIDATION
from striate.errors import DataError, ImageError
from striate.evaluation.detection import average_precisions, judged, mean
from striate.handcrafted.deformable import Component, needed_levels
from striate.handcrafted.deformable_learning import Scene, Settings, learned
from striate.handcrafted.deformable_start import begun
from striate.handcrafted.pyramid import pyramid
from striate.models.matching import Detections
from striate.ops.memory import keep_memory
from striate.progress import Clock
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.dpm_finder import DPMFinder, scored

MEMORY = 1_500_000_000  # bytes of features that learning keeps at a time
ENOUGH = 5  # detections of a class that are right, and that are wrong, for a curve of its own


def learn(data: BoxedDataset, ask: Ask, *, settings: Settings | None = None) -> Learned:
    """Roots, then parts, from the training images; calibration on the validation images.

    Raises:
        DataError: if nothing can be learned from the training images.
    """
    keep_memory()
    settings = settings or Settings()
    clock, notes = Clock(), list[str]()
    empty = []
    for kind in range(len(data.classes)):
        boxes = training_boxes(data, kind)
        if len(boxes):
            empty += begun(boxes, kind, cells=settings.cells)
    if not empty:
        raise DataError(f"{data.name}: nothing is marked in its training images")
    with clock.stage("features"):
        scenes = scenes_of(data, empty, ask.seed, notes)
    with clock.stage("learn"):
        stages = learned(empty, scenes, settings, seed=ask.seed)
    del scenes
    with clock.stage("validate"):
        seen, truth = validated(data, stages, notes)
        models, found = chosen(data.classes, stages, seen, truth, notes)
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
    data: BoxedDataset, stages: Sequence[Sequence[Component]], notes: list[str]
) -> tuple[list[list[Detections]], list[Objects]]:
    """What each stage finds in the validation images that can be read, and what is marked there."""
    found: list[list[Detections]] = [[] for _ in stages]
    truth = []
    levels = needed_levels([one for stage in stages for one in stage])
    for row in progress.track(np.flatnonzero(data.split == VALIDATION).tolist(), "validate"):
        try:
            features = pyramid(whole(data.images, row), levels)
        except ImageError as error:
            notes.append(f"{data.images.name(row)} was left out: {error}")
            continue
        for mine, components in zip(found, stages, strict=True):
            mine.append(scored([one for one in components if one.root.any()], features))
        truth.append(data.objects[row])
    return found, truth


def chosen(
    names: Sequence[str],
    stages: Sequence[Sequence[Component]],
    found: Sequence[Sequence[Detections]],
    truth: Sequence[Objects],
    notes: list[str],
) -> tuple[list[Component], list[Detections]]:
    """For each class the last stage, with parts, unless an earlier one finds more of it; and what
    those components found."""
    table = [average_precisions(one, truth, len(names)) for one in found]
    models: list[Component] = []
    best = []
    for kind, name in enumerate(names):
        last = len(stages) - 1
        number = max(range(len(stages)), key=lambda stage: (table[stage][kind], stage))
        number = last if np.isnan(table[last][kind]) else number
        mine = [one for one in stages[number] if one.kind == kind]
        models += [one for one in mine if one.root.any()]
        best.append(number)
        if mine and not any(one.root.any() for one in mine):
            notes.append(f"no place of a root covers a {name}: it is never found")
        elif number != last:
            notes.append(
                f"{name} is found by its root alone: on validation its average precision is "
                f"{table[number][kind]:.3f}, with parts {table[last][kind]:.3f}"
            )
    return models, [merged([found[number][row] for number in best]) for row in range(len(truth))]


def merged(found: Sequence[Detections]) -> Detections:
    """Of each class what its own entry found: `found[k]` for class k."""
    rows = [one.classes == kind for kind, one in enumerate(found)]
    pairs = list(zip(found, rows, strict=True))
    return Detections(
        torch.cat([one.boxes[mine] for one, mine in pairs]),
        torch.cat([one.classes[mine] for one, mine in pairs]),
        torch.cat([one.scores[mine] for one, mine in pairs]),
    )


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
    enough = [min(int(right.sum()), int((~right).sum())) >= ENOUGH for right in rights]
    lines = [
        fitted(score, right) if some else together
        for score, right, some in zip(scores, rights, enough, strict=True)
    ]
    return torch.from_numpy(np.array(lines).reshape(classes, 2))
