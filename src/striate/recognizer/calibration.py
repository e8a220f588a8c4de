"""From logits to probabilities one may believe (Guo et al. 2017, arXiv:1706.04599, Section 4.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

KEPT = 0.95  # share of validation images that "none of these" must not refuse


@dataclass(frozen=True)
class Calibration:
    """One temperature for all logits, and the probability that "none of these" begins below.

    A threshold of 0 refuses nothing.
    """

    temperature: float = 1.0
    threshold: float = 0.0

    def __call__(self, logits: Tensor) -> Tensor:
        """Logits (N, classes) to probabilities (N, classes); the order of the classes stays."""
        return F.softmax(logits / self.temperature, dim=1)

    @classmethod
    def fitted(cls, logits: Tensor, targets: Tensor) -> "Calibration":
        """The temperature with the smallest cross-entropy on held-out images, and the threshold.

        The cross-entropy is convex in the inverse temperature, so a golden-section search over its
        logarithm finds the minimum; the threshold keeps KEPT of these images.

        Args:
            logits: (N, classes) of images that were not learned from.
            targets: (N,) their classes.
        """
        exact = logits.double()

        def cost(log_temperature: float) -> float:
            return float(F.cross_entropy(exact / 2.0**log_temperature, targets))

        temperature = 2.0 ** _minimum(cost, -7.0, 7.0)
        sure = F.softmax(exact / temperature, dim=1).amax(1)
        return cls(temperature, float(torch.quantile(sure, 1 - KEPT)))


def _minimum(cost: Callable[[float], float], low: float, high: float, *, steps: int = 40) -> float:
    """The place of the minimum of a function with one valley, by golden-section search.

    >>> round(_minimum(lambda x: (x - 2) ** 2, -7, 7), 4)
    2.0
    """
    golden = (5**0.5 - 1) / 2
    for _ in range(steps):
        left, right = high - golden * (high - low), low + golden * (high - low)
        if cost(left) <= cost(right):
            high = right
        else:
            low = left
    return (low + high) / 2
