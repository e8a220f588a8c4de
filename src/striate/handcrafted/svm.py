"""A linear support vector machine, one class against the rest, by Newton's method.

Squared hinge loss makes the objective smooth: ½|w|² + cost · Σ max(0, 1 - y (w·x + b))², the bias
counted in |w|². Its Newton steps are solved by conjugate gradients (Keerthi & DeCoste 2005, "A
modified finite Newton method"), all classes side by side, so that the work is a few large products.
"""

import torch
from torch import Tensor

from striate.errors import ModelError


def linear_svm(
    features: Tensor,
    targets: Tensor,
    *,
    classes: int,
    cost: float,
    start: Tensor | None = None,
    tolerance: float = 1e-3,
) -> Tensor:
    """The weights (classes, D + 1), the last column the bias, that separate features (N, D).

    Args:
        targets: (N,) int64 in [0, classes).
        cost: of a misplaced example, above 0; larger fits the training examples more closely.
        start: weights to begin from, those of another cost.
        tolerance: how far the gradient must fall, beside its length at zero weights.
    """
    if cost <= 0:
        raise ModelError(f"the cost of a support vector machine must be above 0, not {cost}")
    inputs = torch.cat([features, features.new_ones(len(features), 1)], 1)  # (N, D + 1)
    signs = features.new_full((len(features), classes), -1.0)
    signs[torch.arange(len(targets)), targets] = 1.0
    weights = inputs.new_zeros(inputs.shape[1], classes) if start is None else start.T.clone()
    enough = tolerance * (2 * cost * inputs.T @ signs).norm(dim=0)
    for _ in range(50):
        scores = inputs @ weights
        active = (signs * scores < 1).to(inputs)  # the examples inside the margin, or beyond
        gradient = weights + 2 * cost * inputs.T @ (active * (scores - signs))
        if bool((gradient.norm(dim=0) <= enough).all()):
            break
        step = newton_step(inputs, active, gradient, cost=cost)
        weights = weights + step * lengths(
            inputs, signs, weights, step, scores, gradient, cost=cost
        )
    return weights.T.contiguous()


def newton_step(inputs: Tensor, active: Tensor, gradient: Tensor, *, cost: float) -> Tensor:
    """Solves Hessian · step = -gradient of every class (D, classes) by conjugate gradients."""
    step, residual = torch.zeros_like(gradient), -gradient
    direction, energy = residual, (residual**2).sum(0)
    enough = 0.01 * energy  # a tenth of the gradient's length
    for _ in range(100):
        if bool((energy <= enough).all()):
            break
        curved = direction + 2 * cost * inputs.T @ (active * (inputs @ direction))
        length = energy / (direction * curved).sum(0).clamp(min=1e-30)
        step, residual = step + length * direction, residual - length * curved
        before, energy = energy, (residual**2).sum(0)
        direction = residual + energy / before.clamp(min=1e-30) * direction
    return step


def lengths(
    inputs: Tensor,
    signs: Tensor,
    weights: Tensor,
    step: Tensor,
    scores: Tensor,
    gradient: Tensor,
    *,
    cost: float,
) -> Tensor:
    """How much of its step each class takes (classes,): halved until the objective falls enough."""
    change, slope = inputs @ step, (gradient * step).sum(0)

    def objective(length: Tensor) -> Tensor:
        slack = (1 - signs * (scores + length * change)).clamp(min=0)
        return 0.5 * ((weights + length * step) ** 2).sum(0) + cost * (slack**2).sum(0)

    length = torch.ones_like(slope)
    now = objective(torch.zeros_like(slope))
    for _ in range(20):
        bad = objective(length) > now + 1e-4 * length * slope + 1e-6 * now.abs()
        if not bool(bad.any()):
            break
        length = torch.where(bad, length / 2, length)
    return length
