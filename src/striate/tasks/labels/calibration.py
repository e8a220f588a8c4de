"""From logits to calibrated probabilities (Guo et al. 2017, arXiv:1706.04599, Section 4.2)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

KEPT = 0.95  # share of validation images that "none of these" must not refuse
ROUNDING = 1e-4  # of a probability, between two ways of computing the same network


@dataclass(frozen=True)
class Calibration:
    """One temperature for all logits, and the probability that "none of these" begins below.

    A threshold of 0 refuses nothing.

    Raises:
        ValueError: if the temperature is not above 0 or the threshold not in [0, 1].
    """

    temperature: float = 1.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf or not 0 <= self.threshold <= 1:  # nan fails, too
            raise ValueError(
                f"temperature must be above 0 and threshold in [0, 1], not {self.temperature} "
                f"and {self.threshold}"
            )

    def __call__(self, logits: Tensor) -> Tensor:
        """Logits (N, classes) to probabilities (N, classes); the order of the classes stays."""
        return F.softmax(logits / self.temperature, dim=1)

    @classmethod
    def fitted(cls, logits: Tensor, targets: Tensor) -> "Calibration":
        """The temperature with the smallest cross-entropy on held-out images, and the threshold.

        The cross-entropy is convex in the inverse temperature, so a golden-section search over its
        logarithm finds the minimum. A share of 1 / (N + 2) of every target is spread over all
        classes: by the rule of succession, N right answers do not make the next one certain, and a
        temperature that says so would refuse nearly every new image. The threshold keeps KEPT of
        these images.

        Args:
            logits: (N, classes) of images that were not learned from, N at least 1.
            targets: (N,) their classes.
        """
        exact = logits.double()
        doubt = 1 / (len(targets) + 2)

        def cost(log_temperature: float) -> float:
            scaled = exact / 2.0**log_temperature
            return float(F.cross_entropy(scaled, targets, label_smoothing=doubt))

        temperature = 2.0 ** _minimum(cost, -7.0, 7.0)
        sure = F.softmax(exact / temperature, dim=1).amax(1)
        threshold = float(torch.quantile(sure, 1 - KEPT, interpolation="lower"))
        return cls(temperature, max(threshold - ROUNDING, 0.0))


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
