"""How deformable part models are learned from a set: roots and parts from the training images, the
calibration of scores from the validation images."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data import Dataset, bits_of
from striate.data.boxes import Boxes, Objects, whole
from striate.data.splits import TRAIN, VALIDATION
from striate.errors import DataError, ImageError
from striate.evaluation.detection import average_precisions, judged
from striate.handcrafted.deformable import Component, needed_levels
from striate.handcrafted.deformable_learning import NOTHING, Scene, Settings, rounds
from striate.handcrafted.deformable_start import begun
from striate.handcrafted.pyramid import LEARNED, pyramid
from striate.models.matching import Detections
from striate.ops.memory import keep_memory
from striate.progress import Clock
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection import keeping
from striate.tasks.detection.dpm import rounds as kept_rounds
from striate.tasks.detection.dpm.predictor import DPMPredictor, scored
from striate.tasks.detection.probabilities import platt_curves
from striate.tasks.detection.scores import validation_metrics
from striate.version import __version__

MEMORY = 1_500_000_000  # bytes of features that learning keeps at a time


def learn(data: Dataset[Boxes], ask: Ask, *, settings: Settings | None = None) -> Learned:
    """Roots, then parts, from the training images; calibration on the validation images.

    What is done is kept in `ask.folder` after every round; then the result.

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
    identity = identity_of(data, settings, ask.seed)
    if ask.resume and ask.folder:
        before = keeping.kept(ask.folder, identity, DPMPredictor, data.classes)
        if before is not None:
            return before
    with clock.stage("features"):
        scenes = scenes_of(data, empty, ask.seed, notes)
    stages = staged(empty, scenes, settings, ask, identity, clock)
    del scenes
    with clock.stage("validate"):
        each, truth = validated(data, stages, notes)
        models, found = chosen(data.classes, stages, each, truth, notes)
        calibration = calibrated(found, truth, len(data.classes))
    learned = Learned(
        DPMPredictor(models, calibration, bits_of(data.inputs)),
        validation_metrics(found, truth, data.classes),
        clock.seconds,
        recipe=asdict(settings),
        notes=tuple(notes),
    )
    if ask.folder:
        keeping.keep(ask.folder, identity, learned)
        (ask.folder / kept_rounds.NAME).unlink(missing_ok=True)
    return learned


def identity_of(data: Dataset[Boxes], settings: Settings, seed: int) -> str:
    """Names what is learned from, and how: what has the same identity learns the same."""
    parts = [__version__, data.fingerprint(), data.split.tolist(), asdict(settings), seed, MEMORY]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def staged(
    components: Sequence[Component],
    scenes: Sequence[Scene],
    settings: Settings,
    ask: Ask,
    identity: str,
    clock: Clock,
) -> tuple[list[Component], ...]:
    """The components as each phase left them, each round kept in the folder; with `ask.resume` from
    the last one there, whose seconds count."""
    state, spent = NOTHING, 0.0
    if ask.resume and ask.folder:
        state, spent = kept_rounds.kept(ask.folder, identity, components, scenes) or (state, spent)
    clock.seconds["learn"] = spent
    going = rounds(components, scenes, settings, seed=ask.seed, start=state)
    while True:
        with clock.stage("learn"):
            after = next(going, None)
        if after is None:
            return state.stages
        state = after
        if ask.folder:
            kept_rounds.keep(ask.folder, identity, state, clock.seconds["learn"])


def training_boxes(data: Dataset[Boxes], kind: int) -> Tensor:
    """(N, 4): the training boxes of a class that are asked for."""
    rows = np.flatnonzero(data.split == TRAIN).tolist()
    marked = [data.targets.objects[row] for row in rows]
    boxes = [one.boxes[one.asked & (one.classes == kind)] for one in marked]
    return torch.from_numpy(np.concatenate(boxes))


def scenes_of(
    data: Dataset[Boxes], components: Sequence[Component], seed: int, notes: list[str]
) -> list[Scene]:
    """Training images and the features that these components and their parts read, in random
    order, as many as memory holds: first those with something marked.

    Raises:
        DataError: if no training image can be read.
    """
    levels = needed_levels(components, parts=True, every=LEARNED)
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(data.split == TRAIN))
    rows = sorted(drawn.tolist(), key=lambda row: not data.targets.objects[row].asked.any())
    scenes: list[Scene] = []
    used, broken = 0, 0
    for row in progress.track(rows, "features"):
        if used > MEMORY:
            break
        try:
            features = pyramid(whole(data.inputs, row), levels, every=LEARNED)
        except ImageError as error:
            broken += 1
            notes.append(f"{data.inputs.name(row)} was left out: {error}")
            continue
        used += sum(level.numel() * level.element_size() for level in features.levels.values())
        scenes.append(Scene(features, data.targets.objects[row]))
    if not scenes:
        raise DataError(f"{data.name}: none of its {len(rows)} training images can be read")
    if len(scenes) + broken < len(rows):
        notes.append(
            f"learned from {len(scenes)} of {len(rows)} training images: memory holds no more"
        )
    return scenes


def validated(
    data: Dataset[Boxes], stages: Sequence[Sequence[Component]], notes: list[str]
) -> tuple[list[list[Detections]], list[Objects]]:
    """What each stage detects in the validation images that can be read, and the objects there."""
    found: list[list[Detections]] = [[] for _ in stages]
    truth = []
    levels = needed_levels([one for stage in stages for one in stage])
    for row in progress.track(np.flatnonzero(data.split == VALIDATION).tolist(), "validate"):
        try:
            features = pyramid(whole(data.inputs, row), levels)
        except ImageError as error:
            notes.append(f"{data.inputs.name(row)} was left out: {error}")
            continue
        for mine, components in zip(found, stages, strict=True):
            mine.append(scored([one for one in components if one.root.any()], features))
        truth.append(data.targets.objects[row])
    return found, truth


def chosen(
    names: Sequence[str],
    stages: Sequence[Sequence[Component]],
    found: Sequence[Sequence[Detections]],
    truth: Sequence[Objects],
    notes: list[str],
) -> tuple[list[Component], list[Detections]]:
    """For each class the last stage, with parts, unless an earlier one is better at it; and what
    those components detected."""
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
            notes.append(f"no place of a root covers a {name}: it is never detected")
        elif number != last:
            notes.append(
                f"{name} is detected by its root alone: on validation its average precision is "
                f"{table[number][kind]:.3f}, with parts {table[last][kind]:.3f}"
            )
    return models, [merged([found[number][row] for number in best]) for row in range(len(truth))]


def merged(found: Sequence[Detections]) -> Detections:
    """Of each class the detections of its own entry: `found[k]` for class k."""
    rows = [one.classes == kind for kind, one in enumerate(found)]
    pairs = list(zip(found, rows, strict=True))
    return Detections(
        torch.cat([one.boxes[mine] for one, mine in pairs]),
        torch.cat([one.classes[mine] for one, mine in pairs]),
        torch.cat([one.scores[mine] for one, mine in pairs]),
    )


def calibrated(found: Sequence[Detections], truth: Sequence[Objects], classes: int) -> Tensor:
    """(classes, 2) slope and offset of each class from detections, right or wrong at an overlap of
    0.5."""
    each = [judged(found, truth, number) for number in range(classes)]
    return torch.from_numpy(platt_curves([one.scores for one in each], [one.right for one in each]))
