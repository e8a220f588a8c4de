"""Logistic regressions on deep features, one class against the rest, solved all at once."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.evaluation import mean_average_precision
from striate.progress import track

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Inverse regularization strengths to try, on standardized features of mean square 1 / D."""
RIDGE = 1e-5  # beside rows of mean square 1; far above what rounding makes of a zero eigenvalue
STEPS = 100  # of the solver, at most


@dataclass(frozen=True, eq=False)
class Head:
    """Weights (classes, D) and bias (classes,) on plain features, and how they were chosen.

    Attributes:
        validation: mean average precision on the held-out inputs.
    """

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
) -> Head:
    """How strongly they are regularized is chosen, for all classes alike, by the mean average
    precision on held-out inputs; among equal ones the most regularized.

    Args:
        features: (N, D) of the training inputs.
        targets: (N, classes) 1, 0, or -1, which is not learned from.
        held_out, wanted: the same of the validation inputs.
    """
    mean, std = features.mean(0), features.std(0)
    std = np.where(std > 1e-6 * std.max(), std, 1.0) * np.sqrt(features.shape[1])
    std = std.astype(np.float32)
    inputs, others = (torch.from_numpy((some - mean) / std) for some in (features, held_out))
    span = Span.of(inputs)
    answers = torch.from_numpy(targets)
    best: Head | None = None
    state = inputs.new_zeros(span.inputs.shape[1] + 1, targets.shape[1])
    for strength in track(STRENGTHS, "solve the classifiers"):
        state = regressions(span.inputs, answers, strength, start=state)
        weight, bias = span.weights(state[:-1]), state[-1]
        value = mean_average_precision((others @ weight.T + bias).numpy(), wanted)
        if best is None or value > best.validation:
            plain = weight / torch.from_numpy(std)
            best = Head(plain, bias - plain @ torch.from_numpy(mean), strength, float(value))
    assert best is not None
    return best


def regressions(inputs: Tensor, targets: Tensor, strength: float, *, start: Tensor) -> Tensor:
    """(D + 1, classes): the weights, the bias last, of the smallest 1/2 |w|² + strength · loss.

    Args:
        inputs: (N, D).
        targets: (N, classes) 1, 0 or -1; what is -1 has no loss.
        start: (D + 1, classes) to begin from.
    """
    weights, bias = start[:-1].clone().requires_grad_(), start[-1].clone().requires_grad_()
    known, there = (targets >= 0).to(inputs), (targets == 1).to(inputs)
    solver = torch.optim.LBFGS(
        [weights, bias], max_iter=STEPS, history_size=20, tolerance_grad=1e-4,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> float:
        solver.zero_grad()
        scores = inputs @ weights + bias
        losses = F.binary_cross_entropy_with_logits(scores, there, weight=known, reduction="sum")
        loss = strength * losses + 0.5 * (weights**2).sum()
        loss.backward()
        return float(loss.detach())

    with torch.enable_grad():
        solver.step(closure)
    return torch.cat([weights.detach(), bias.detach()[None]])


@dataclass(frozen=True)
class Span:
    """Inputs as coordinates in the space that they span, where they have more numbers than they
    are many: a solution with a small |w| lies in it (the representer theorem), and a step costs N²
    in place of N D.

    Attributes:
        inputs: (N, D or N).
        own: (N, D) the inputs themselves, where these are coordinates.
        triangle: (N, N) lower; times itself it is their Gram matrix.
    """

    inputs: Tensor
    own: Tensor | None = None
    triangle: Tensor | None = None

    @classmethod
    def of(cls, inputs: Tensor) -> "Span":
        """Of inputs (N, D)."""
        count, width = inputs.shape
        if width <= count:
            return cls(inputs)
        products = (inputs @ inputs.T).double()
        products += RIDGE * products.diagonal().mean() * torch.eye(count, dtype=torch.double)
        triangle = torch.linalg.cholesky(products)
        return cls(triangle.float(), inputs, triangle)

    def weights(self, found: Tensor) -> Tensor:
        """Weights (D or N, classes) on `inputs` as (classes, D) on the inputs themselves."""
        if self.own is None or self.triangle is None:
            return found.T.contiguous()
        turned = torch.linalg.solve_triangular(self.triangle.T, found.double(), upper=True)
        return turned.float().T @ self.own
