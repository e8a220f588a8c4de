"""From logits to calibrated probabilities and to what is there, class by class.

Platt 1999 ("Probabilistic outputs for support vector machines"), the sigmoid 1 / (1 + exp(-(a z +
b))) of each class. Where a class has few validation examples, its own sigmoid would be noise: all
classes share one, and a class leaves it as far as its examples outweigh a Gaussian prior. So it is
with thresholds: each is drawn to the one that all classes would share, the more the fewer the
examples; how much is decided by decisions on examples that the thresholds were not chosen on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from striate.evaluation.multilabel import f1_of, micro_f1

PRIOR = 4.0  # weight of the shared sigmoid, in examples
EDGE = 1e-9  # the nearest that a threshold comes to 0 or 1 where it is drawn to another
STEPS = 200  # of the solver, at most
PULLS = (0.0, 2.0, 8.0, 32.0, float("inf"))
"""Weights of the shared threshold, in examples with the class, that are tried: from each class's
own threshold to the shared one alone."""
FOLDS = 5  # of the examples that a threshold is judged on


@dataclass(frozen=True, eq=False)
class TagCalibration:
    """A sigmoid and a threshold for each class.

    Attributes:
        scale: (classes,) above 0: the order of the inputs stays.
        shift: (classes,).
        thresholds: (classes,) probabilities in [0, 1] from which on a class is there.

    Raises:
        ValueError: if they are of other shapes or ranges.
    """

    scale: Tensor
    shift: Tensor
    thresholds: Tensor

    def __post_init__(self) -> None:
        same = self.scale.ndim == 1 and self.scale.shape == self.shift.shape
        within = bool((self.thresholds >= 0).all() and (self.thresholds <= 1).all())
        if (
            not same
            or self.thresholds.shape != self.scale.shape
            or not bool((self.scale > 0).all() and self.scale.isfinite().all())
            or not within
        ):
            raise ValueError("scales must be above 0 and thresholds in [0, 1], one each a class")

    def __call__(self, logits: Tensor) -> Tensor:
        """Logits (N, classes) to probabilities (N, classes), each for itself."""
        return torch.sigmoid(logits * self.scale.to(logits) + self.shift.to(logits))

    def there(self, probabilities: Tensor) -> Tensor:
        """(N, classes) bool: which classes are above their thresholds."""
        return probabilities >= self.thresholds.to(probabilities)

    @classmethod
    def plain(cls, classes: int) -> "TagCalibration":
        """Logits as they are, and a half for a threshold."""
        one = torch.ones(classes)
        return cls(one, torch.zeros(classes), one / 2)

    @classmethod
    def fitted(cls, logits: Tensor, targets: Tensor) -> "TagCalibration":
        """The sigmoids of the smallest cross-entropy on held-out inputs, and the thresholds of the
        largest F1 there, drawn together as `pull_of` says.

        Args:
            logits: (N, classes) of inputs that were not learned from.
            targets: (N, classes) 1, 0, or -1 where nobody knows.
        """
        scale, shift = sigmoids(logits.double(), targets)
        probabilities = torch.sigmoid(logits.double() * scale + shift)
        pull = pull_of(probabilities, targets)
        thresholds = thresholds_of(probabilities, targets, pull)
        return cls(scale.float(), shift.float(), thresholds.float())


def sigmoids(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift of every class (classes,).

    A target is not 1 or 0 but (n + 1) / (n + 2) or 1 / (m + 2) for n inputs with the class and m
    without (Platt, Section 2.2): n right answers do not make the next one certain.
    """
    known, there = targets >= 0, targets == 1
    with_, without = there.sum(0), (targets == 0).sum(0)
    high, low = (with_ + 1) / (with_ + 2), 1 / (without + 2)
    wanted = torch.where(there, high.double(), low.double())
    spread = logits[known].std().clamp(min=1e-6) if known.any() else logits.new_ones(())
    inputs = logits / spread
    shared = torch.zeros(2, dtype=torch.double, requires_grad=True)
    own = torch.zeros(2, logits.shape[1], dtype=torch.double, requires_grad=True)

    def scores() -> Tensor:
        return inputs * (shared[0] + own[0]).exp() + shared[1] + own[1]

    def cost() -> Tensor:
        losses = F.binary_cross_entropy_with_logits(scores(), wanted, reduction="none")
        return losses[known].sum() + PRIOR / 2 * (own**2).sum() + 1e-3 * (shared**2).sum()

    _minimize(cost, [shared, own])
    with torch.no_grad():
        return (shared[0] + own[0]).exp() / spread, shared[1] + own[1]


def _minimize(cost: Callable[[], Tensor], parameters: list[Tensor]) -> None:
    solver = torch.optim.LBFGS(parameters, max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> float:
        solver.zero_grad()
        loss = cost()
        loss.backward()
        return float(loss.detach())

    with torch.enable_grad():
        solver.step(closure)


def pull_of(probabilities: Tensor, targets: Tensor) -> float:
    """That of PULLS with which thresholds decide best, by decisions on each fold with thresholds
    that were chosen on the others: the mean F1 of the classes and the F1 of all decisions count
    alike, for the former hardly minds a rare class that is said too often. Of equal ones the
    strongest.

    Args:
        probabilities, targets: (N, classes).
    """
    place = np.random.default_rng(0).permutation(len(targets)) % FOLDS
    judged = {pull: np.zeros(tuple(targets.shape), bool) for pull in PULLS}
    for fold in range(FOLDS):
        held, rest = np.flatnonzero(place == fold), np.flatnonzero(place != fold)
        for pull, there in judged.items():
            thresholds = thresholds_of(probabilities[rest], targets[rest], pull)
            there[held] = (probabilities[held] >= thresholds).numpy()
    values = {}
    for pull, there in judged.items():
        f1 = f1_of(there, targets.numpy())[2][(targets == 1).any(0).numpy()]
        values[pull] = float(f1.mean()) + micro_f1(there, targets.numpy()) if len(f1) else 0.0
    return max(reversed(PULLS), key=values.__getitem__)


def thresholds_of(probabilities: Tensor, targets: Tensor, pull: float = 0.0) -> Tensor:
    """Of each class a threshold (classes,): the one with the largest F1 on these inputs, and the
    one with the largest F1 over all classes together, which n inputs with the class outweigh as n
    to `pull`; between the two in log-odds.

    A threshold lies between the last input that is taken and the first that is not. Of a class that
    no input has, it is the one that is shared.

    Args:
        probabilities, targets: (N, classes).
    """
    known = targets >= 0
    shared = _best(probabilities[known], targets[known] == 1)
    found = []
    for k in range(probabilities.shape[1]):
        mine = known[:, k]
        there = targets[mine, k] == 1
        count = int(there.sum())
        own = _best(probabilities[mine, k], there) if count else shared
        share = count / (count + pull) if count else 0.0
        mixed = share * own.logit(eps=EDGE) + (1 - share) * shared.logit(eps=EDGE)
        found.append(own if share == 1 else mixed.sigmoid() if share else shared)
    return torch.stack(found) if found else probabilities.new_zeros(0)


def _best(probabilities: Tensor, there: Tensor) -> Tensor:
    """The threshold of the largest F1 (a scalar), the highest of equal ones; a half without any."""
    if not there.any():
        return probabilities.new_tensor(0.5)
    values, order = probabilities.sort(descending=True)
    right = there[order].double().cumsum(0)
    taken = torch.arange(1, len(values) + 1, dtype=torch.double)
    f1 = 2 * right / (taken + there.sum())
    last = torch.cat([values[1:] < values[:-1], values.new_ones(1, dtype=torch.bool)])
    place = int(torch.where(last, f1, -1.0).argmax())  # ties are taken together
    below = values[place + 1] if place + 1 < len(values) else values.new_zeros(())
    return (values[place] + below) / 2
