"""The linear machine: by hand, beside liblinear's, and at its optimum."""

import pytest
import torch
from sklearn.svm import LinearSVC
from torch import Tensor

from striate.errors import ModelError
from striate.handcrafted.svm import linear_svm


def clouds(count: int, width: int, classes: int) -> tuple[Tensor, Tensor]:
    """Points (count, width) around one center a class, overlapping, and their classes."""
    targets = torch.arange(count) % classes
    centers = torch.randn(classes, width, dtype=torch.float64)
    return centers[targets] + torch.randn(count, width, dtype=torch.float64), targets


def test_two_points_by_hand() -> None:
    # x = ±1: by symmetry b = 0; ½ w² + 2 C (1 - w)² is least at w = 4 C / (1 + 4 C)
    features, targets = torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 1])
    weights = linear_svm(features, targets, classes=2, cost=0.5)
    torch.testing.assert_close(weights, torch.tensor([[-2 / 3, 0.0], [2 / 3, 0.0]]))


@pytest.mark.parametrize("cost", [0.01, 1.0, 10.0])
@pytest.mark.parametrize("width", [3, 40])
def test_beside_liblinear(cost: float, width: int) -> None:
    features, targets = clouds(60, width, 3)
    ours = linear_svm(features, targets, classes=3, cost=cost, tolerance=1e-8)
    theirs = LinearSVC(C=cost, dual=True, tol=1e-8, max_iter=100_000).fit(features, targets)
    torch.testing.assert_close(ours[:, :-1], torch.from_numpy(theirs.coef_), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        ours[:, -1], torch.from_numpy(theirs.intercept_), atol=1e-5, rtol=1e-5
    )


def test_an_example_that_counts_twice_is_one_that_is_there_twice() -> None:
    features, targets = clouds(30, 3, 3)
    counts = torch.arange(30) % 3
    again = torch.arange(30).repeat_interleave(counts)
    options = {"classes": 3, "cost": 1.0, "tolerance": 1e-9}
    ours = linear_svm(features, targets, importance=counts, **options)
    torch.testing.assert_close(ours, linear_svm(features[again], targets[again], **options))


def test_the_gradient_is_zero_at_the_end() -> None:
    features, targets = clouds(50, 8, 4)
    weights = linear_svm(features, targets, classes=4, cost=3.0, tolerance=1e-9).requires_grad_()
    signs = torch.nn.functional.one_hot(targets, 4) * 2 - 1
    scores = features @ weights[:, :-1].T + weights[:, -1]
    slack = (1 - signs * scores).clamp(min=0)
    objective = 0.5 * (weights**2).sum() + 3.0 * (slack**2).sum()
    (gradient,) = torch.autograd.grad(objective, weights)
    assert float(gradient.abs().max()) < 1e-5


def test_another_start_leads_to_the_same_end() -> None:
    features, targets = clouds(50, 8, 4)
    cold = linear_svm(features, targets, classes=4, cost=3.0, tolerance=1e-9)
    near = linear_svm(features, targets, classes=4, cost=1.0)
    warm = linear_svm(features, targets, classes=4, cost=3.0, tolerance=1e-9, start=near)
    torch.testing.assert_close(warm, cold, atol=1e-5, rtol=1e-5)


def test_a_class_without_examples_is_never_named() -> None:
    features, targets = clouds(30, 5, 2)
    weights = linear_svm(features, targets, classes=3, cost=1.0)
    scores = features @ weights[:, :-1].T + weights[:, -1]
    assert 2 not in scores.argmax(1)


def test_a_cost_of_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="above 0, not 0"):
        linear_svm(torch.ones(2, 1), torch.tensor([0, 1]), classes=2, cost=0)
