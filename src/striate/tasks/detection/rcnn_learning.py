"""How R-CNN learns (Girshick et al. 2014, arXiv:1311.2524, Sections 2.3 and Appendices B, C).

Everything is solved on features that were computed once: a linear support vector machine a class,
with the negatives that are hard, ridge regression from a region to the thing in it, and a logistic
curve that makes a score a probability.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from striate import progress
from striate.data.boxes import Objects
from striate.evaluation.detection import judged
from striate.handcrafted.svm import linear_svm
from striate.models.matching import Detections
from striate.ops.boxes import areas, clipped, covered, moved, offsets, overlaps, without_doubles

PLAIN = (2.0, 0.0)  # slope and bias of a logistic curve before it is fitted


@dataclass(frozen=True)
class Solving:
    """The numbers of the paper, where not said otherwise.

    Attributes:
        cost: of the support vector machines, for features of a mean square of 1.
        tolerance: of their gradient, beside that at zero weights, to which every negative adds.
        ridge: lambda of Equation 5, for features of that length; the paper's are 20 long: 1000.
        negative: overlap below which a region is a negative of a class (Section 2.3).
        pair: overlap from which on a region is told how to move to its thing (Appendix C).
        hard: score above which a negative is hard.
        first: negatives to begin with.
        most: hard negatives at most, the hardest.
        rounds: of mining.
        doubles: overlap of two detections of a class that are one; 0.3 in the paper.
    """

    cost: float = 0.2
    tolerance: float = 1e-4
    ridge: float = 2.5
    negative: float = 0.3
    pair: float = 0.6
    hard: float = -1.0
    first: int = 5000
    most: int = 20_000
    rounds: int = 3
    doubles: float = 0.4


@dataclass(frozen=True, eq=False)
class Seen:
    """A picture's regions and their features, which may lie in a file.

    Attributes:
        boxes: (K, 4); the first `things` are those that are marked.
        load: gives the features (K, D).
    """

    boxes: Tensor
    things: int
    load: Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class Machines:
    """What was solved, for C classes and features of D numbers.

    Attributes:
        mean: (D,) of the features.
        scale: (D,) by which what is left is multiplied: the square of all together is 1 on average.
        svm: (C, D + 1) the last column the bias.
        moves: (C, 4, D + 1) likewise: from features to offsets.
        curve: (C, 2) slope and bias of the logistic curve.
        known: (C,) bool: the classes that had an example.
    """

    mean: Tensor
    scale: Tensor
    svm: Tensor
    moves: Tensor
    curve: Tensor
    known: Tensor

    @classmethod
    def empty(cls, mean: Tensor, scale: Tensor, classes: int) -> "Machines":
        """Machines that find nothing."""
        width = len(mean) + 1
        return cls(
            mean,
            scale,
            torch.zeros(classes, width),
            torch.zeros(classes, 4, width),
            torch.tensor([PLAIN] * classes),
            torch.zeros(classes, dtype=torch.bool),
        )

    def ready(self, features: Tensor) -> Tensor:
        """(K, D) as the machines read them."""
        return (features.float() - self.mean) * self.scale

    def detections(
        self,
        boxes: Tensor,
        features: Tensor,
        size: tuple[int, int],
        *,
        doubles: float,
        most: int,
        least: float = 0.0,
    ) -> Detections:
        """What is in a picture of (height, width), by its regions: best first, at most `most`,
        each with a chance of `least` or more."""
        x = self.ready(features)
        scores = torch.addmm(self.svm[:, -1], x, self.svm[:, :-1].T)  # (K, C)
        boxes_of, classes, chances = [], [], []
        for number in self.known.nonzero().flatten().tolist():
            order = scores[:, number].argsort(descending=True)[: 10 * most]
            move = torch.addmm(self.moves[number, :, -1], x[order], self.moves[number, :, :-1].T)
            places = clipped(moved(boxes[order], move), size)
            inside = areas(places) > 0
            places, order = places[inside], order[inside]
            kept = without_doubles(places, scores[order, number], doubles)[:most]
            slope, bias = self.curve[number]
            boxes_of.append(places[kept])
            classes.append(torch.full((len(kept),), number))
            chances.append(torch.sigmoid(slope * scores[order[kept], number] + bias))
        if not boxes_of:
            return Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
        chance, rows = torch.cat(chances).sort(descending=True, stable=True)
        rows, chance = rows[:most][chance[:most] >= least], chance[:most][chance[:most] >= least]
        return Detections(torch.cat(boxes_of)[rows], torch.cat(classes)[rows], chance)


def solve(
    seen: Sequence[Seen], truth: Sequence[Objects], classes: int, solving: Solving
) -> Machines:
    """The machines of every class that has an example, their curve still a plain one."""
    machines = Machines.empty(*statistics(seen), classes)
    for number in progress.track(range(classes), "solve"):
        examples = Examples(seen, truth, number, machines, solving)
        positives = examples.positives()
        if len(positives):
            machines.known[number] = True
            machines.svm[number] = examples.machine(positives)
            machines.moves[number] = examples.regression()
    return machines


def statistics(seen: Sequence[Seen]) -> tuple[Tensor, Tensor]:
    """Mean and scale of each feature over all regions."""
    total = square = torch.zeros(1, dtype=torch.float64)
    count = 0
    for one in seen:
        features = one.load().double()
        total, square = total + features.sum(0), square + (features**2).sum(0)
        count += len(features)
    mean = total / max(1, count)
    spread = (square / max(1, count) - mean**2).clamp(min=0).sqrt()
    scale = torch.where(spread > 1e-6, 1 / spread.clamp(min=1e-6), 0.0) / len(mean) ** 0.5
    return mean.float(), scale.float()


@dataclass(frozen=True, eq=False)
class Examples:
    """The regions of all pictures, as one class sees them."""

    seen: Sequence[Seen]
    truth: Sequence[Objects]
    number: int
    machines: Machines
    solving: Solving

    def positives(self) -> Tensor:
        """(P, D): the things themselves; what is difficult or a crowd is none."""
        parts = []
        for one, marked in zip(self.seen, self.truth, strict=True):
            mine = np.flatnonzero(marked.asked & (marked.classes == self.number))
            if len(mine):
                parts.append(self.machines.ready(one.load()[torch.from_numpy(mine)]))
        return torch.cat(parts) if parts else torch.zeros(0, len(self.machines.mean))

    def negatives(self) -> Iterator[tuple[Seen, Tensor]]:
        """Each picture, and which of its regions lie off every thing of the class."""
        for one, marked in zip(self.seen, self.truth, strict=True):
            away = torch.ones(len(one.boxes), dtype=torch.bool)
            mine = marked.take(marked.classes == self.number)
            if len(mine):
                theirs, crowd = torch.from_numpy(mine.boxes), torch.from_numpy(mine.crowd)
                met = overlaps(one.boxes, theirs).max(1).values
                inside = (covered(one.boxes, theirs) * crowd).max(1).values
                away = (met < self.solving.negative) & (inside < self.solving.negative)
            yield one, away.nonzero().flatten()

    def machine(self, positives: Tensor) -> Tensor:
        """(D + 1,) the weights, learned in turns with looking for the negatives that are hard."""
        chosen = [(one, rows) for one, rows in self.negatives()]
        each = max(1, self.solving.first // max(1, len(chosen)))
        hard = [
            rows[torch.linspace(0, len(rows) - 1, min(each, len(rows))).long()]
            for _, rows in chosen
        ]
        weights = None
        for _ in range(self.solving.rounds):
            parts = [
                self.machines.ready(one.load()[rows])
                for (one, _), rows in zip(chosen, hard, strict=True)
            ]
            features = torch.cat([positives, *parts])
            targets = torch.zeros(len(features), dtype=torch.long)
            targets[: len(positives)] = 1
            # Two classes are one machine and its mirror.
            weights = linear_svm(
                features,
                targets,
                classes=2,
                cost=self.solving.cost,
                start=weights,
                tolerance=self.solving.tolerance,
            )
            scores = [
                torch.addmv(weights[1, -1:], self.machines.ready(one.load()[rows]), weights[1, :-1])
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
        """(4, D + 1): from a region that is near a thing to the offsets of that thing."""
        width = len(self.machines.mean) + 1
        square, cross = torch.zeros(width, width), torch.zeros(width, 4)
        for one, marked in zip(self.seen, self.truth, strict=True):
            mine = marked.take(marked.asked & (marked.classes == self.number))
            regions = one.boxes[one.things :]
            if not len(mine) or not len(regions):
                continue
            theirs = torch.from_numpy(mine.boxes)
            met, which = overlaps(regions, theirs).max(1)
            rows = (met >= self.solving.pair).nonzero().flatten()
            x = self.machines.ready(one.load()[one.things + rows])
            x = torch.cat([x, x.new_ones(len(x), 1)], 1)
            square += x.T @ x
            cross += x.T @ offsets(theirs[which[rows]], regions[rows])
        ridge = torch.full((width,), self.solving.ridge)
        ridge[-1] = 1e-3  # the bias is hardly held back
        factor = torch.linalg.cholesky((square + ridge.diag()).double())
        return torch.cholesky_solve(cross.double(), factor).T.float()


def logistic(scores: Tensor, right: Tensor) -> tuple[float, float]:
    """Slope and bias by which a score becomes the chance of being right (Platt 1999).

    The targets are Platt's, just off 0 and 1. Where nothing or everything is right, or a better
    score were to mean less, it is the plain curve.
    """
    hits = int(right.sum())
    misses = len(right) - hits
    if not hits or not misses:
        return PLAIN
    x = torch.stack([scores, torch.ones_like(scores)], 1).double()
    target = torch.where(right, (hits + 1) / (hits + 2), 1 / (misses + 2)).double()
    weights = torch.zeros(2, dtype=torch.float64)
    for _ in range(50):
        chance = torch.sigmoid(x @ weights)
        slope = x.T @ (chance - target) + 1e-6 * weights
        bend = x.T @ (x * (chance * (1 - chance))[:, None]) + 1e-6 * torch.eye(2)
        step = torch.linalg.solve(bend, slope)
        weights -= step * min(1.0, 4.0 / float(step.norm().clamp(min=1e-12)))
        if float(step.norm()) < 1e-8:
            break
    return (float(weights[0]), float(weights[1])) if weights[0] > 1e-3 else PLAIN


def calibrate(machines: Machines, found: Sequence[Detections], truth: Sequence[Objects]) -> None:
    """Fits the curve of each class to what was found in images that were not learned from."""
    for number in machines.known.nonzero().flatten().tolist():
        ours = judged(found, truth, number)
        slope, bias = machines.curve[number].tolist()
        chances = torch.from_numpy(ours.scores).double().clamp(1e-12, 1 - 1e-12)
        scores = (torch.logit(chances) - bias) / slope
        machines.curve[number] = torch.tensor(logistic(scores, torch.from_numpy(ours.right)))
