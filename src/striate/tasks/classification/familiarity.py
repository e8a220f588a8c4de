"""Whether a picture is of any of the classes: the angle between its features and those of a class.

A softmax weighs only the known classes against each other, and is confident about cells and sailing
ships, too. The features of what was learned lie in a few directions, one a class; those of other
things do not. So the score is the cosine between the features and the nearest of the classes' mean
directions (nearest class mean, Mensink et al. 2013, with the angle as the distance). On the
clothing pictures it refuses far more than the largest probability, the energy of the logits or the
Mahalanobis distance do: `benchmarks/trust.py` has the comparison.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError
from striate.models.surgery import classifier, replace
from striate.tasks.labels.calibration import KEPT, ROUNDING

WIDEST = 8192  # features; beyond that the directions would outweigh the file
MOST = 2000  # pictures that the directions are fitted on, and as many that set the threshold
FEWEST = 20  # of each class, if there are so many


@dataclass(frozen=True, eq=False)
class Familiarity:
    """The mean direction of each class in feature space, and the cosine that "known" begins at.

    Attributes:
        directions: (classes, D) float32, unit vectors.
        threshold: in [-1, 1].
    """

    directions: Tensor
    threshold: float

    def __post_init__(self) -> None:
        if self.directions.ndim != 2 or not -1 <= self.threshold <= 1:  # nan fails, too
            raise ValueError(
                f"directions must be (classes, D) and threshold in [-1, 1], not "
                f"{tuple(self.directions.shape)} and {self.threshold}"
            )

    def __call__(self, features: Tensor) -> Tensor:
        """The cosine (N,) of features (N, D) with the nearest direction."""
        return (F.normalize(features, dim=1) @ self.directions.T).amax(1)

    @classmethod
    def fitted(
        cls, features: Tensor, targets: Tensor, held_out: Tensor, *, classes: int | None = None
    ) -> "Familiarity":
        """Directions from pictures that were learned from, the threshold from others.

        Args:
            features: (N, D) of the training pictures.
            targets: (N,) their classes; nothing is near to a class that is not among them.
            classes: how many there are; where None, as many as `targets` has.
            held_out: (M, D) features of validation pictures, of which KEPT stay known.
        """
        unit = F.normalize(features.float(), dim=1)
        count = classes or int(targets.max()) + 1
        sums = torch.zeros(count, unit.shape[1]).index_add_(0, targets, unit)
        directions = F.normalize(sums, dim=1)
        near = cls(directions, 0.0)(held_out.float()).double()
        lowest = float(torch.quantile(near, 1 - KEPT, interpolation="lower"))
        return cls(directions, max(lowest - ROUNDING, -1.0))


def some_of_each(targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows of about MOST pictures, as many of every class: their means need no more."""
    present = np.unique(targets)
    share = max(FEWEST, MOST // len(present))
    rows = [np.flatnonzero(targets == k) for k in present]
    return np.sort(np.concatenate([each[:: -(-len(each) // share)] for each in rows]))


class Judging(nn.Module):
    """A last full connection with one more output, how familiar its input is: (N, classes + 1)."""

    directions: Tensor

    def __init__(self, classifier: nn.Linear, familiarity: Familiarity):
        super().__init__()
        self.classifier = classifier
        self.register_buffer("directions", familiarity.directions)

    def forward(self, features: Tensor) -> Tensor:
        logits = self.classifier(features)
        near = F.normalize(features, dim=1) @ self.directions.T
        return torch.cat([logits, near.amax(1, keepdim=True)], 1)


def judging(model: nn.Module, familiarity: Familiarity) -> nn.Module:
    """Makes the last full connection of a network a `Judging` one; returns `model`.

    Raises:
        ModelError: if it reads features of another width.
    """
    name, last = classifier(model)
    if last.in_features != familiarity.directions.shape[1]:
        raise ModelError(
            f"{name} reads {last.in_features} features, and the directions of the classes have "
            f"{familiarity.directions.shape[1]}"
        )
    replace(model, name, Judging(last, familiarity).to(last.weight.device))
    return model
