"""How good detections are: precision and recall, average precision, kinds of mistakes.

PASCAL VOC (Everingham et al. 2010, Section 4.2; 2015 for the area under the whole curve) and COCO
(Lin et al. 2014; 101 recalls, ten overlaps from 0.50 to 0.95).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import torch
from numpy.typing import NDArray

from striate.data.boxes import Objects
from striate.evaluation.multilabel import Rule, area_under
from striate.models.matching import Detections
from striate.ops.boxes import covered, overlaps

FORMS = get_args(Rule)
COCO_OVERLAPS = tuple(0.5 + 0.05 * step for step in range(10))
NEAR = 0.1  # overlap from which on a wrong box is a poor one and not background


@dataclass(frozen=True)
class Curve:
    """Precision and recall of one class as the threshold falls: one entry a detection, best first.

    Attributes:
        precision, recall: (D,) float64 in [0, 1].
        scores: (D,) the thresholds.
        objects: how many there are to be found.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    scores: NDArray[np.float64]
    objects: int

    def average(self, form: Rule = "all") -> float:
        """Average precision; NaN where there is no object.

        "all": the area under the precision that is the highest at this recall or any above it;
        "11": its mean at the recalls 0, 0.1 ... 1 (VOC until 2009); "101": at 0, 0.01 ... 1 (COCO).
        """
        if form not in FORMS:
            raise ValueError(f"an average precision is one of {', '.join(FORMS)}, not {form!r}")
        if not self.objects:
            return float("nan")
        return area_under(self.precision, self.recall, form)


@dataclass(frozen=True)
class Judged:
    """The detections of one class in all images, each right or wrong, best first.

    Attributes:
        scores: (D,) falling.
        right: (D,) bool.
        images: (D,) the number of the image each is in.
        objects: (N,) how many there are to be found in each image.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    images: NDArray[np.int64]
    objects: NDArray[np.int64]

    @property
    def curve(self) -> Curve:
        """Precision and recall over all images."""
        objects = int(self.objects.sum())
        hits = np.cumsum(self.right)
        count = np.arange(1, len(hits) + 1)
        return Curve(hits / count, hits / max(1, objects), self.scores, objects)


def judged(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    number: int,
    *,
    overlap: float = 0.5,
    free: bool = False,
) -> Judged:
    """The detections of class `number` that count.

    From the best score down, a detection is right if the object of its class that it overlaps most
    does so by `overlap` or more and has not been detected before. What meets a difficult object, or
    lies in a crowd, does not count at all, nor does a score or a box that is not finite. With
    `free`, COCO's way, it is the object that it overlaps most of those not yet detected.
    """
    scores, right, images = [np.zeros(0)], [np.zeros(0, bool)], [np.zeros(0, np.int64)]
    objects = np.zeros(len(truth), np.int64)
    for image, (one, marked) in enumerate(zip(found, truth, strict=True)):
        mine = marked.take(marked.classes == number)
        objects[image] = mine.asked.sum()
        finite = one.scores.isfinite() & one.boxes.isfinite().all(1)
        rows = ((one.classes == number) & finite).nonzero().flatten()
        kinds, _ = _kinds(one.boxes[rows], mine, overlap, free)
        counted = kinds >= 0
        scores.append(one.scores[rows].double().cpu().numpy()[counted])
        right.append(kinds[counted] == 1)
        images.append(np.full(int(counted.sum()), image))
    score = np.concatenate(scores)
    order = np.argsort(-score, kind="stable")
    correct, owners = np.concatenate(right)[order], np.concatenate(images)[order]
    return Judged(score[order], correct, owners, objects)


def curve(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    number: int,
    *,
    overlap: float = 0.5,
    free: bool = False,
) -> Curve:
    """Precision and recall of class `number` over all images, as `judged` judges."""
    return judged(found, truth, number, overlap=overlap, free=free).curve


def _kinds(
    boxes: torch.Tensor, marked: Objects, overlap: float, free: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each detection of an image, best first: 1 right, 0 wrong, -1 not counted; and the number
    of the object that it overlaps most.

    `free`: its object is one of those not yet detected, not one of all.
    """
    kinds, objects = np.zeros(len(boxes), np.int64), np.full(len(boxes), -1)
    if not len(marked) or not len(boxes):
        return kinds, objects
    theirs = torch.from_numpy(marked.boxes).to(boxes)
    table = overlaps(boxes, theirs).cpu().numpy()
    table[:, marked.crowd] = -1
    inside = covered(boxes, theirs).cpu().numpy()
    inside[:, ~marked.crowd] = -1
    taken = np.zeros(len(marked), bool)
    for row in range(len(boxes)):
        best = objects[row] = int(table[row].argmax())
        if table[row, best] >= overlap:
            if marked.difficult[best]:
                kinds[row] = -1
            elif not taken[best]:
                kinds[row] = 1
                taken[best] = True
                if free:
                    table[row + 1 :, best] = -1
        if kinds[row] == 0 and inside[row].max() >= overlap:
            kinds[row] = -1
    return kinds, objects


def average_precisions(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    classes: int,
    *,
    overlap: float = 0.5,
    form: Rule = "all",
) -> NDArray[np.float64]:
    """(classes,) the average precision of each; NaN where there is no object."""
    return np.array(
        [curve(found, truth, each, overlap=overlap).average(form) for each in range(classes)]
    )


def mean(values: NDArray[np.float64]) -> float:
    """The mean of those that are not NaN; 0 where all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def coco_average_precision(
    found: Sequence[Detections], truth: Sequence[Objects], classes: int
) -> NDArray[np.float64]:
    """(10, classes): average precision at 101 recalls, for every overlap from 0.50 to 0.95, as
    COCO matches: a detection takes the object that it overlaps most of those not yet detected.

    Of an image, the 100 best detections of a class count. `mean` of it is COCO's AP, of its first
    row AP50.
    """
    return np.array(
        [
            [
                curve(found, truth, each, overlap=overlap, free=True).average("101")
                for each in range(classes)
            ]
            for overlap in COCO_OVERLAPS
        ]
    )


@dataclass(frozen=True)
class Mistakes:
    """How often a detector was right, and in which way it was wrong.

    Attributes:
        correct: an object detected.
        duplicate: an object detected again.
        wrong_class: the box of an object, under another name.
        poor_box: an object of that class, but an overlap below the one asked for.
        background: where there is no object.
        missed: objects without a correct detection.
    """

    correct: int = 0
    duplicate: int = 0
    wrong_class: int = 0
    poor_box: int = 0
    background: int = 0
    missed: int = 0


def mistakes(
    found: Sequence[Detections],
    truth: Sequence[Objects],
    *,
    overlap: float = 0.5,
    least: float = 0.5,
) -> Mistakes:
    """The kinds of mistakes among detections with a score of `least` or more."""
    total = dict.fromkeys(Mistakes.__dataclass_fields__, 0)
    for one, marked in zip(found, truth, strict=True):
        rows = (one.scores >= least).nonzero().flatten()
        boxes, classes = one.boxes[rows], one.classes[rows].cpu().numpy()
        table = overlaps(boxes, torch.from_numpy(marked.boxes).to(boxes)).cpu().numpy()
        same = classes[:, None] == marked.classes[None]
        kinds = np.full(len(rows), -1)
        for number in np.unique(classes):
            mine = classes == number
            of_class = marked.take(marked.classes == number)
            kinds[mine], _ = _kinds(boxes[mine], of_class, overlap, False)
        right = int((kinds == 1).sum())
        total["correct"] += right
        total["missed"] += int(marked.asked.sum()) - right
        for row in np.flatnonzero(kinds == 0):
            own = table[row][same[row]].max(initial=0.0)
            other = table[row][~same[row]].max(initial=0.0)
            if own >= overlap:
                total["duplicate"] += 1
            elif other >= overlap:
                total["wrong_class"] += 1
            elif own >= NEAR:
                total["poor_box"] += 1
            else:
                total["background"] += 1
    return Mistakes(**total)


@dataclass(frozen=True)
class Verdict:
    """What is right and wrong in one image.

    Attributes:
        counted: the numbers of the detections that count.
        right: of each of them, whether it is right.
        missed: the numbers of the objects without a correct detection.
    """

    counted: tuple[int, ...]
    right: tuple[bool, ...]
    missed: tuple[int, ...]


def verdict(one: Detections, marked: Objects, *, least: float, overlap: float = 0.5) -> Verdict:
    """The detections of one image with a score of `least` or more, each right or wrong."""
    counted: list[int] = []
    right: list[bool] = []
    missed: list[int] = []
    for number in np.union1d(one.classes.cpu().numpy(), marked.classes):
        rows = ((one.classes == number) & (one.scores >= least)).nonzero().flatten()
        own = np.flatnonzero(marked.classes == number)
        mine = marked.take(own)
        kinds, objects = _kinds(one.boxes[rows], mine, overlap, False)
        counted += rows[torch.from_numpy(kinds >= 0)].tolist()
        right += (kinds[kinds >= 0] == 1).tolist()
        missed += own[mine.asked & ~np.isin(np.arange(len(mine)), objects[kinds == 1])].tolist()
    return Verdict(tuple(counted), tuple(right), tuple(missed))
