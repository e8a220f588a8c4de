"""Logistic regressions on deep features, one class against the rest, solved all at once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.splits import TRAIN, VALIDATION
from striate.evaluation import mean_average_precision
from striate.progress import track
from striate.tasks.pictures.problem import importance

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""Inverse regularization strengths to try, on standardized features of mean square 1 / D."""
RIDGE = 1e-5  # beside rows of mean square 1; far above what rounding makes of a zero eigenvalue
FOLDS = 5
FOLDED = 1500  # inputs, at most, of which each fifth is held out in its turn
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
    validation: float = float("nan")

    def __call__(self, features: NDArray[np.float32]) -> Tensor:
        """Features (N, D) to logits (N, classes)."""
        return torch.from_numpy(features) @ self.weight.T + self.bias

    def put_into(self, linear: nn.Linear) -> None:
        """Makes `linear` this classifier."""
        with torch.no_grad():
            linear.weight.copy_(self.weight)
            linear.bias.copy_(self.bias)


def marks(dataset: Dataset[Any], *splits: int) -> NDArray[np.int64]:
    """(n, classes) of the inputs of these splits, in the order of the rows."""
    numbers: NDArray[np.int64] = dataset.targets.numbers[np.isin(dataset.split, splits)]
    return numbers.astype(np.int64)


def counting(
    dataset: Dataset[Any], targets: NDArray[np.int64], balance: float
) -> NDArray[np.float64] | None:
    """(N, classes) how much each mark of these inputs counts; None where all count alike.

    That is the input's own weight; with a balance of 1, the inputs that have a class count as much
    as those that do not.

    Args:
        targets: (N, classes) of the inputs of `dataset`.
    """
    own = importance(dataset, 0)
    if own is None and not balance:
        return None
    weights = np.ones(len(targets)) if own is None else own
    there, absent = weights @ (targets == 1), weights @ (targets == 0)
    half, least = (there + absent) / 2, 1e-12
    sides = np.where(
        targets == 1, half / np.maximum(there, least), half / np.maximum(absent, least)
    )
    found: NDArray[np.float64] = weights[:, None] * np.maximum(sides, least) ** balance
    return found


def solve(
    features: NDArray[np.float32], held_out: NDArray[np.float32], dataset: Dataset[Any], *,
    balance: float = 0.0,
) -> Head:  # fmt: skip
    """Learned from the training inputs; the strength is the one that is best on the validation
    inputs, of equal ones the most regularized.

    Args:
        features: (N, D) of the training inputs.
        held_out: (M, D) of the validation inputs.
        balance: as `counting` takes it.
    """
    wanted, seen = marks(dataset, VALIDATION), marks(dataset, TRAIN)
    best: Head | None = None
    for head in heads(features, seen, counting(dataset.train, seen, balance)):
        value = mean_average_precision(head(held_out).numpy(), wanted)
        if best is None or value > best.validation:
            best = replace(head, validation=value)
    assert best is not None
    return best


def crossed(
    features: NDArray[np.float32], dataset: Dataset[Any], *, balance: float = 0.0
) -> tuple[Head, Tensor]:
    """Learned from training and validation inputs, and what classifiers that did not see them say.

    Few validation inputs tell badly which strength is best: of small sets, each fifth of both
    splits is held out in its turn, and the strength with the best mean over the five is taken. Of a
    set of more than FOLDED inputs the validation inputs alone are held out, once.

    Args:
        features: (N, D) of every input of the set.
        balance: as `counting` takes it.

    Returns:
        The classifier, and logits (N, classes) of the inputs held out; nan for all others.
    """
    rows = np.flatnonzero(np.isin(dataset.split, (TRAIN, VALIDATION)))
    place = np.where(dataset.split[rows] == VALIDATION, 0, 1)  # one part is held out
    parts = 1
    if len(rows) <= FOLDED:
        groups = None if dataset.groups is None else dataset.groups[rows]
        place, parts = folds(len(rows), groups), FOLDS
    targets = dataset.targets.numbers[rows].astype(np.int64)
    counts = counting(dataset.take(rows), targets, balance)
    said = torch.full((len(STRENGTHS), len(dataset), targets.shape[1]), float("nan"))
    values = np.full((parts, len(STRENGTHS)), np.nan)
    for part in range(parts):
        learned, held = rows[place != part], rows[place == part]
        some = None if counts is None else counts[place != part]
        for number, head in enumerate(heads(features[learned], targets[place != part], some)):
            said[number, held] = head(features[held])
            if (targets[place == part] == 1).any():
                values[part, number] = mean_average_precision(
                    said[number, held].numpy(), targets[place == part]
                )
    means = np.nan_to_num(np.nanmean(values, 0))
    chosen = int(means.argmax())
    head = next(islice(heads(features[rows], targets, counts), chosen, None))
    return replace(head, validation=float(means[chosen])), said[chosen]


def folds(count: int, groups: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """A fold (N,) of each input, those of one group together; the same every time."""
    members = np.arange(count) if groups is None else np.unique(groups, return_inverse=True)[1]
    order = np.random.default_rng(0).permutation(int(members.max()) + 1)
    found: NDArray[np.int64] = order[members.reshape(-1)] % FOLDS
    return found


def heads(
    features: NDArray[np.float32], targets: NDArray[np.int64],
    counts: NDArray[np.float64] | None = None,
) -> Iterator[Head]:  # fmt: skip
    """One for each of STRENGTHS; features are standardized for the solver, and the scaling is
    folded into the weights.

    Args:
        features: (N, D).
        targets: (N, classes) 1, 0, or -1, which is not learned from.
        counts: (N, classes) how much each counts; all alike where None.
    """
    mean, std = features.mean(0), features.std(0)
    std = np.where(std > 1e-6 * std.max(), std, 1.0) * np.sqrt(features.shape[1])
    std = std.astype(np.float32)
    span = Span.of(torch.from_numpy((features - mean) / std))
    answers, alike = torch.from_numpy(targets), torch.ones(targets.shape)
    weighed = alike if counts is None else torch.from_numpy(counts.astype(np.float32))
    state = span.inputs.new_zeros(span.inputs.shape[1] + 1, targets.shape[1])
    for strength in track(STRENGTHS, "solve the classifiers"):
        state = regressions(span.inputs, answers, weighed, strength, start=state)
        weight = span.weights(state[:-1]) / torch.from_numpy(std)
        yield Head(weight, state[-1] - weight @ torch.from_numpy(mean), strength)


def regressions(
    inputs: Tensor, targets: Tensor, counts: Tensor, strength: float, *, start: Tensor
) -> Tensor:
    """(D + 1, classes): the weights, the bias last, of the smallest 1/2 |w|² + strength · loss.

    Args:
        inputs: (N, D).
        targets: (N, classes) 1, 0 or -1; what is -1 has no loss.
        counts: (N, classes) by which each loss is multiplied.
        start: (D + 1, classes) to begin from.
    """
    weights, bias = start[:-1].clone().requires_grad_(), start[-1].clone().requires_grad_()
    known, there = (targets >= 0) * counts.to(inputs), (targets == 1).to(inputs)
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
