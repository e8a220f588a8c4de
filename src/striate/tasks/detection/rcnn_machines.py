"""What R-CNN decides by: a support vector machine a class, a regression of boxes, a curve of chance
(Girshick et al. 2014, arXiv:1311.2524, Section 2.2 and Appendix C).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.boxes import Objects
from striate.evaluation.detection import judged
from striate.models.matching import Detections
from striate.ops.boxes import areas, clipped, moved, without_doubles
from striate.tasks.detection.chances import PLAIN, chance_curves


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


def calibrate(machines: Machines, found: Sequence[Detections], truth: Sequence[Objects]) -> None:
    """Fits the curve of each class to what was found in images that were not learned from; a class
    with little to go by gets that of all together."""
    known = machines.known.nonzero().flatten().tolist()
    scores, right = [], []
    for number in known:
        ours = judged(found, truth, number)
        slope, bias = machines.curve[number].tolist()
        chances = torch.from_numpy(ours.scores).double().clamp(1e-12, 1 - 1e-12)
        scores.append(((torch.logit(chances) - bias) / slope).numpy())
        right.append(ours.right)
    machines.curve[known] = torch.from_numpy(chance_curves(scores, right)).float()
