"""A linear classifier on deep features, solved rather than iterated."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.progress import track

STRENGTHS = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Inverse regularization strengths to try, on standardized features."""


@dataclass(frozen=True, eq=False)
class Head:
    """Weights (classes, D) and bias (classes,) on plain features, and how they were chosen."""

    weight: Tensor
    bias: Tensor
    strength: float
    validation: float

    def __call__(self, features: NDArray[np.float32]) -> Tensor:
        """Features (N, D) to logits (N, classes)."""
        return torch.from_numpy(features) @ self.weight.T + self.bias

    def put_into(self, linear: nn.Linear) -> None:
        """Makes `linear` this classifier."""
        with torch.no_grad():
            linear.weight.copy_(self.weight)
            linear.bias.copy_(self.bias)


def solve(
    features: NDArray[np.float32],
    targets: NDArray[np.int64],
    held_out: NDArray[np.float32],
    wanted: NDArray[np.int64],
    *,
    classes: int,
    importance: NDArray[np.float64] | None = None,
) -> Head:
    """Multinomial logistic regression; how strongly it is regularized is chosen on held-out images.

    Features are standardized for the solver and the scaling is folded into the weights. Among
    strengths with the same score on validation, the most regularized is taken.

    Args:
        features: (N, D) of the training images.
        targets: (N,) in [0, classes); every class is there.
        held_out: (M, D) of the validation images.
        wanted: (M,) their classes.
        importance: (N,) how much each training image counts; all alike where None.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, std = features.mean(0), features.std(0)
    std = np.where(std > 1e-6 * std.max(), std, 1.0).astype(np.float32)
    inputs, others = (features - mean) / std, (held_out - mean) / std
    best: Head | None = None
    solver = LogisticRegression(tol=1e-3, max_iter=300, warm_start=True)
    for strength in track(STRENGTHS, "solve the classifier"):
        solver.set_params(C=strength)
        with warnings.catch_warnings():
            # a strength that is not solved exactly in 300 rounds still competes on validation
            warnings.simplefilter("ignore", ConvergenceWarning)
            solver.fit(inputs, targets, sample_weight=importance)
        right = float((solver.predict(others) == wanted).mean())
        if best is None or right > best.validation:
            best = _folded(solver, mean, std, strength, right, classes)
    assert best is not None
    return best


def _folded(  # the two-class solver has one row of weights; ours has one a class
    solver: "LogisticRegression",  # type: ignore[name-defined]  # noqa: F821
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
    strength: float,
    right: float,
    classes: int,
) -> Head:
    weight, bias = solver.coef_ / std, solver.intercept_ - solver.coef_ @ (mean / std)
    if classes == 2 and len(weight) == 1:
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return Head(
        torch.from_numpy(np.asarray(weight, np.float32)),
        torch.from_numpy(np.asarray(bias, np.float32)),
        strength,
        right,
    )
