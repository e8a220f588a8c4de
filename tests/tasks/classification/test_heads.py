"""A classifier that is solved: against scikit-learn's own answers, and at the edges."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch import nn

from striate.tasks.classification.heads import STRENGTHS, Head, solve

Set = tuple[NDArray[np.float32], NDArray[np.int64]]


def clouds(seed: int, count: int, classes: int, *, spread: float = 1.0, width: int = 6) -> Set:
    """Points around `classes` centers, features of very different size and place."""
    rng = np.random.default_rng(seed)
    targets = np.arange(count) % classes
    centers = 4 * np.eye(classes, width)
    points = centers[targets] + spread * rng.normal(size=(count, width))
    scale = 10.0 ** (np.arange(width) % 6 - 2)
    return (points * scale + 5).astype(np.float32), targets.astype(np.int64)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_separable_clouds(classes: int) -> None:
    train, held_out, test = (clouds(seed, 60, classes, spread=0.4) for seed in range(3))
    head = solve(*train, *held_out, classes=classes)
    assert head.weight.shape == (classes, 6)
    assert head.bias.shape == (classes,)
    assert head.weight.dtype == head.bias.dtype == torch.float32
    assert head.validation == 1.0
    assert (head(test[0]).argmax(1).numpy() == test[1]).all()


@pytest.mark.parametrize("classes", [2, 3])
def test_the_same_as_sklearn_on_standardized_features(classes: int) -> None:
    train, held_out = (clouds(seed, 90, classes, spread=3.0) for seed in range(2))
    head = solve(*train, *held_out, classes=classes)
    mean, std = train[0].mean(0), train[0].std(0)
    exact = LogisticRegression(C=head.strength, tol=1e-8, max_iter=5000)
    exact.fit((train[0] - mean) / std, train[1])
    theirs = exact.decision_function((held_out[0] - mean) / std)
    ours = head(held_out[0]).double().numpy()
    if classes == 2:
        np.testing.assert_allclose(ours[:, 0], -ours[:, 1], atol=1e-4)
        ours = ours[:, 1] - ours[:, 0]
    np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.02)
    probabilities = torch.softmax(head(held_out[0]).double(), 1).numpy()
    expected = exact.predict_proba((held_out[0] - mean) / std)
    np.testing.assert_allclose(probabilities, expected, atol=0.01)


def test_examples_count_as_they_are_weighed() -> None:
    train, held_out = (clouds(seed, 90, 3, spread=3.0) for seed in range(2))
    weights = np.where(train[1] == 0, 5.0, 0.5)
    head = solve(*train, *held_out, classes=3, importance=weights)
    mean, std = train[0].mean(0), train[0].std(0)
    exact = LogisticRegression(C=head.strength, tol=1e-8, max_iter=5000)
    exact.fit((train[0] - mean) / std, train[1], sample_weight=weights)
    expected = exact.predict_proba((held_out[0] - mean) / std)
    probabilities = torch.softmax(head(held_out[0]).double(), 1).numpy()
    np.testing.assert_allclose(probabilities, expected, atol=0.01)


def test_constant_features_have_no_say() -> None:
    train, held_out = (clouds(seed, 60, 3, spread=0.4) for seed in range(2))
    for points in (train[0], held_out[0]):
        points[:, 2] = 7.0
    head = solve(*train, *held_out, classes=3)
    assert torch.isfinite(head.weight).all()
    assert head.weight[:, 2].abs().max() == 0
    nothing = np.full_like(train[0], 3.0)
    flat = solve(nothing, train[1], nothing, held_out[1], classes=3)
    assert torch.isfinite(flat(nothing)).all()


def test_validation_chooses() -> None:
    # Noise to learn from and the truth to choose on: every strength is as good as its score there.
    rng = np.random.default_rng(4)
    points, targets = clouds(0, 40, 2, spread=8.0, width=30)
    held_out = clouds(1, 200, 2, spread=8.0, width=30)
    scores = []
    mean, std = points.mean(0), points.std(0)
    for strength in STRENGTHS:
        solver = LogisticRegression(C=strength, tol=1e-8, max_iter=5000)
        solver.fit((points - mean) / std, targets)
        scores.append(solver.score((held_out[0] - mean) / std, held_out[1]))
    assert len(set(scores)) > 2
    head = solve(points, targets, *held_out, classes=2)
    assert head.validation == pytest.approx(max(scores), abs=0.011)
    assert head.strength in STRENGTHS
    best = [s for s, score in zip(STRENGTHS, scores, strict=True) if score >= max(scores) - 0.011]
    assert head.strength in best
    same = rng.permutation(len(targets))  # the order of the images is no matter
    again = solve(points[same], targets[same], *held_out, classes=2)
    assert again.validation == pytest.approx(head.validation, abs=0.011)


def test_the_most_regularized_of_equals() -> None:
    train, held_out = (clouds(seed, 60, 3, spread=0.05) for seed in range(2))
    assert solve(*train, *held_out, classes=3).strength == min(STRENGTHS)


def test_put_into_a_network() -> None:
    head = Head(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([5.0, 6.0]), 1.0, 1.0)
    linear = nn.Linear(2, 2)
    head.put_into(linear)
    points = np.array([[1, 1], [0, 2]], np.float32)
    assert head(points).tolist() == [[8, 13], [9, 14]]
    assert torch.equal(linear(torch.from_numpy(points)), head(points))
    assert linear.weight.requires_grad
