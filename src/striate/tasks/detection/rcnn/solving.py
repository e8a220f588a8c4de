"""How R-CNN's classifiers are solved (Girshick et al. 2014, arXiv:1311.2524, Section 2.3 and
Appendices B, C).

Everything is solved on features that were computed once: a linear support vector machine a class,
with hard negatives, and ridge regression from a region to the object in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data.boxes import Objects
from striate.handcrafted.svm import linear_svm
from striate.ops.boxes import covered, offsets, overlaps
from striate.tasks.detection.rcnn.classifiers import Classifiers
from striate.tasks.detection.rcnn.extraction import PictureFeatures


@dataclass(frozen=True)
class Solving:
    """The numbers of the paper, where not said otherwise.

    Attributes:
        cost: of the support vector machines, for features of a mean square of 1.
        tolerance: of their gradient, beside that at zero weights, to which every negative adds.
        ridge: lambda of Equation 5, for features of that length; the paper's are 20 long: 1000.
        negative: overlap below which a region is a negative of a class (Section 2.3).
        pair: overlap from which on a region learns to move to its object; 0.6 in Appendix C.
        hard: score above which a negative is hard.
        first: negatives to begin with.
        most: hard negatives at most, the hardest.
        rounds: of mining.
        nms_overlap: above it, the worse of two detections of a class is suppressed.
    """

    cost: float = 0.05
    tolerance: float = 1e-4
    ridge: float = 2.5
    negative: float = 0.3
    pair: float = 0.5
    hard: float = -1.0
    first: int = 5000
    most: int = 20_000
    rounds: int = 3
    nms_overlap: float = 0.4


# Section 2.3: one pass for hard negatives over all pictures, then the last solution; Appendix C.
# The overlap of suppression is from the authors' program.
PUBLISHED = Solving(pair=0.6, rounds=2, nms_overlap=0.3)


def solve(
    pictures: Sequence[PictureFeatures], truth: Sequence[Objects], classes: int, solving: Solving
) -> Classifiers:
    """The classifiers of every class that has an example, not yet calibrated."""
    classifiers = Classifiers.empty(*statistics(pictures), classes)
    for number in progress.track(range(classes), "solve"):
        examples = Examples(pictures, truth, number, classifiers, solving)
        positives = examples.positives()
        if len(positives):
            classifiers.known[number] = True
            classifiers.svm[number] = examples.machine(positives)
            classifiers.regression[number] = examples.regression()
    return classifiers


def statistics(pictures: Sequence[PictureFeatures]) -> tuple[Tensor, Tensor]:
    """Mean and scale of each feature over all regions."""
    total = square = torch.zeros(1, dtype=torch.float64)
    count = 0
    for one in pictures:
        features = one.load().double()
        total, square = total + features.sum(0), square + (features**2).sum(0)
        count += len(features)
    mean = total / max(1, count)
    spread = (square / max(1, count) - mean**2).clamp(min=0).sqrt()
    scale = torch.where(spread > 1e-6, 1 / spread.clamp(min=1e-6), 0.0) / len(mean) ** 0.5
    return mean.float(), scale.float()


@dataclass(frozen=True, eq=False)
class Examples:
    """The regions of all pictures as examples of one class."""

    pictures: Sequence[PictureFeatures]
    truth: Sequence[Objects]
    number: int
    classifiers: Classifiers
    solving: Solving

    def positives(self) -> Tensor:
        """(P, D): the objects themselves, without difficult ones and crowds."""
        parts = []
        for one, marked in zip(self.pictures, self.truth, strict=True):
            mine = np.flatnonzero(marked.asked & (marked.classes == self.number))
            if len(mine):
                parts.append(self.classifiers.standardized(one.load()[torch.from_numpy(mine)]))
        return torch.cat(parts) if parts else torch.zeros(0, len(self.classifiers.mean))

    def negatives(self) -> Iterator[tuple[PictureFeatures, Tensor]]:
        """Each picture, and which of its regions lie off every object of the class."""
        for one, marked in zip(self.pictures, self.truth, strict=True):
            away = torch.ones(len(one.boxes), dtype=torch.bool)
            mine = marked.take(marked.classes == self.number)
            if len(mine):
                theirs, crowd = torch.from_numpy(mine.boxes), torch.from_numpy(mine.crowd)
                met = overlaps(one.boxes, theirs).max(1).values
                inside = (covered(one.boxes, theirs) * crowd).max(1).values
                away = (met < self.solving.negative) & (inside < self.solving.negative)
            yield one, away.nonzero().flatten()

    def machine(self, positives: Tensor) -> Tensor:
        """(D + 1,) the weights, learned in turns with mining for hard negatives."""
        chosen = [(one, rows) for one, rows in self.negatives()]
        each = max(1, self.solving.first // max(1, len(chosen)))
        hard = [
            rows[torch.linspace(0, len(rows) - 1, min(each, len(rows))).long()]
            for _, rows in chosen
        ]
        weights = None
        for _ in range(self.solving.rounds):
            parts = [
                self.classifiers.standardized(one.load()[rows])
                for (one, _), rows in zip(chosen, hard, strict=True)
            ]
            features = torch.cat([positives, *parts])
            targets = torch.zeros(len(features), dtype=torch.long)
            targets[: len(positives)] = 1
            # Two classes are one machine and its opposite.
            weights = linear_svm(
                features,
                targets,
                classes=2,
                cost=self.solving.cost,
                start=weights,
                tolerance=self.solving.tolerance,
            )
            ready = self.classifiers.standardized
            scores = [
                torch.addmv(weights[1, -1:], ready(one.load()[rows]), weights[1, :-1])
                for one, rows in chosen
            ]
            every = torch.cat(scores) if scores else torch.zeros(0)
            floor = self.solving.hard
            if len(every) > self.solving.most:
                floor = max(floor, float(every.topk(self.solving.most).values[-1]))
            known = hard
            hard = [
                torch.cat([old, rows[score >= floor]]).unique()
                for old, (_, rows), score in zip(known, chosen, scores, strict=True)
            ]
            if sum(map(len, hard)) == sum(map(len, known)):
                break
        assert weights is not None
        return weights[1]

    def regression(self) -> Tensor:
        """(4, D + 1): from a region that is near an object to the offsets of that object."""
        width = len(self.classifiers.mean) + 1
        square, cross = torch.zeros(width, width), torch.zeros(width, 4)
        for one, marked in zip(self.pictures, self.truth, strict=True):
            mine = marked.take(marked.asked & (marked.classes == self.number))
            regions = one.boxes[one.objects :]
            if not len(mine) or not len(regions):
                continue
            theirs = torch.from_numpy(mine.boxes)
            met, which = overlaps(regions, theirs).max(1)
            rows = (met >= self.solving.pair).nonzero().flatten()
            x = self.classifiers.standardized(one.load()[one.objects + rows])
            x = torch.cat([x, x.new_ones(len(x), 1)], 1)
            square += x.T @ x
            cross += x.T @ offsets(theirs[which[rows]], regions[rows])
        ridge = torch.full((width,), self.solving.ridge)
        ridge[-1] = 1e-3  # the bias is hardly held back
        factor = torch.linalg.cholesky((square + ridge.diag()).double())
        return torch.cholesky_solve(cross.double(), factor).T.float()
