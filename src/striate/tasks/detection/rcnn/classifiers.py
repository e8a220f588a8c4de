"""What R-CNN classifies regions by: for each class a support vector machine, a regression of boxes
and a calibration curve (Girshick et al. 2014, arXiv:1311.2524, Section 2.2 and Appendix C).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from striate.data.boxes import Objects
from striate.evaluation.detection import judged
from striate.models.matching import Detections
from striate.ops.boxes import areas, clipped, moved, non_maximum_suppression
from striate.tasks.detection.probabilities import PLAIN, platt_curves


@dataclass(frozen=True, eq=False)
class Classifiers:
    """What was solved, for C classes and features of D numbers.

    Attributes:
        mean: (D,) of the features.
        scale: (D,) by which what is left is multiplied: the square of all together is 1 on average.
        svm: (C, D + 1) the last column the bias.
        regression: (C, 4, D + 1) likewise: from features to offsets.
        curve: (C, 2) slope and bias of the logistic curve.
        known: (C,) bool: the classes that had an example.
    """

    mean: Tensor
    scale: Tensor
    svm: Tensor
    regression: Tensor
    curve: Tensor
    known: Tensor

    @classmethod
    def empty(cls, mean: Tensor, scale: Tensor, classes: int) -> "Classifiers":
        """Those that detect nothing."""
        width = len(mean) + 1
        return cls(
            mean,
            scale,
            torch.zeros(classes, width),
            torch.zeros(classes, 4, width),
            torch.tensor([PLAIN] * classes),
            torch.zeros(classes, dtype=torch.bool),
        )

    def standardized(self, features: Tensor) -> Tensor:
        """(K, D) as the machines take them."""
        return (features.float() - self.mean) * self.scale

    def detections(
        self,
        boxes: Tensor,
        features: Tensor,
        size: tuple[int, int],
        *,
        nms_overlap: float,
        most: int,
        least: float = 0.0,
    ) -> Detections:
        """The detections in a picture of (height, width), by its regions: best first, at most
        `most`, each with a probability of `least` or more."""
        x = self.standardized(features)
        scores = torch.addmm(self.svm[:, -1], x, self.svm[:, :-1].T)  # (K, C)
        found, classes, probabilities = [], [], []
        for number in self.known.nonzero().flatten().tolist():
            order = scores[:, number].argsort(descending=True)[: 10 * most]
            weights = self.regression[number]
            deltas = torch.addmm(weights[:, -1], x[order], weights[:, :-1].T)
            places = clipped(moved(boxes[order], deltas), size)
            inside = areas(places) > 0
            places, order = places[inside], order[inside]
            kept = non_maximum_suppression(places, scores[order, number], nms_overlap)[:most]
            slope, bias = self.curve[number]
            found.append(places[kept])
            classes.append(torch.full((len(kept),), number))
            probabilities.append(torch.sigmoid(slope * scores[order[kept], number] + bias))
        if not found:
            return Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
        probability, rows = torch.cat(probabilities).sort(descending=True, stable=True)
        probability, rows = probability[:most], rows[:most]
        rows, probability = rows[probability >= least], probability[probability >= least]
        return Detections(torch.cat(found)[rows], torch.cat(classes)[rows], probability)


def calibrate(
    classifiers: Classifiers, found: Sequence[Detections], truth: Sequence[Objects]
) -> None:
    """Fits the curve of each class to detections in images that were not learned from; a class with
    few of them gets that of all together."""
    known = classifiers.known.nonzero().flatten().tolist()
    scores, right = [], []
    for number in known:
        ours = judged(found, truth, number)
        slope, bias = classifiers.curve[number].tolist()
        probabilities = torch.from_numpy(ours.scores).double().clamp(1e-12, 1 - 1e-12)
        scores.append(((torch.logit(probabilities) - bias) / slope).numpy())
        right.append(ours.right)
    classifiers.curve[known] = torch.from_numpy(platt_curves(scores, right)).float()
