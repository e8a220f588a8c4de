"""Numbers by pencil, then scikit-learn and SciPy."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from striate.evaluation import (
    calibration_error,
    confusion,
    precision_recall,
    top_k,
    wilson_interval,
)

SHAPES = st.tuples(st.integers(1, 40), st.integers(3, 7), st.integers(0, 9999))
P = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7], [0.4, 0.35, 0.25]])
T = np.array([0, 2, 2, 1])


def drawn(count: int, classes: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(classes), count), rng.integers(0, classes, count)


def test_by_pencil() -> None:
    assert [top_k(P, T, k) for k in (1, 2, 3)] == [0.5, 1.0, 1.0]
    table = confusion(P, T)
    assert table.tolist() == [[1, 0, 0], [1, 0, 0], [0, 1, 1]]
    precision, recall = precision_recall(table)
    assert precision.tolist() == [0.5, 0.0, 1.0]
    assert recall.tolist() == [1.0, 0.0, 0.5]


def test_equal_probabilities_are_counted_as_argmax_does() -> None:
    flat = np.full((3, 3), 1 / 3)
    assert top_k(flat, np.arange(3)) == pytest.approx(1 / 3)
    assert top_k(flat, np.arange(3), 2) == pytest.approx(2 / 3)
    assert confusion(flat, np.arange(3)).tolist() == [[1, 0, 0]] * 3


def test_classes_never_seen_or_never_given_are_nan() -> None:
    precision, recall = precision_recall(np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(precision, [2 / 3, np.nan, np.nan])
    np.testing.assert_array_equal(recall, [1, 0, np.nan])


@given(SHAPES, st.integers(1, 6))
def test_top_k_is_scikit_learn_s(shape: tuple[int, int, int], k: int) -> None:
    from sklearn.metrics import top_k_accuracy_score

    probabilities, targets = drawn(*shape)
    labels = np.arange(shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where k is all of the classes
        expected = top_k_accuracy_score(targets, probabilities, k=k, labels=labels)
    assert top_k(probabilities, targets, k) == pytest.approx(expected)


@given(SHAPES)
def test_tables_are_scikit_learn_s(shape: tuple[int, int, int]) -> None:
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    probabilities, targets = drawn(*shape)
    labels, given_to = np.arange(shape[1]), probabilities.argmax(1)
    table = confusion(probabilities, targets)
    np.testing.assert_array_equal(table, confusion_matrix(targets, given_to, labels=labels))
    expected = precision_recall_fscore_support(
        targets, given_to, labels=labels, zero_division=np.nan
    )
    for mine, theirs in zip(precision_recall(table), expected, strict=False):
        np.testing.assert_allclose(mine, theirs)


def test_calibration_by_pencil() -> None:
    # Two bins of [0, 1]: sure 0.4 (wrong); sure 0.6 (right), 0.5 (wrong), 0.7 (right)
    low, high = abs(0.4 - 0), abs(1.8 - 2)
    assert calibration_error(P, T, bins=2) == pytest.approx((low + high) / 4)


def test_calibration_of_the_sure() -> None:
    sure = np.eye(4)
    assert calibration_error(sure, np.arange(4)) == 0.0
    assert calibration_error(sure, np.array([1, 2, 3, 0])) == 1.0


@given(SHAPES, st.integers(1, 20))
def test_calibration_is_the_loop_over_bins(shape: tuple[int, int, int], bins: int) -> None:
    probabilities, targets = drawn(*shape)
    sure, right = probabilities.max(1), probabilities.argmax(1) == targets
    total = 0.0
    for low in range(bins):
        inside = (sure * bins >= low) & (sure * bins < low + 1)
        if inside.any():
            total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert calibration_error(probabilities, targets, bins=bins) == pytest.approx(total)


@given(st.integers(1, 2000), st.floats(0, 1))
def test_wilson_is_scipy_s(count: int, share: float) -> None:
    from scipy.stats import binomtest, norm

    right = round(share * count)
    expected = binomtest(right, count).proportion_ci(0.95, method="wilson")
    low, high = wilson_interval(right / count, count, z=float(norm.ppf(0.975)))
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_wilson_at_the_ends_by_pencil() -> None:
    # 10 of 10: from 1 / (1 + z²/n) to 1
    assert wilson_interval(1.0, 10) == pytest.approx((1 / (1 + 1.96**2 / 10), 1.0))
    low, high = wilson_interval(0.0, 10)
    assert (low, high) == pytest.approx((0.0, 0.38416 / 1.38416), abs=1e-9)
    assert low >= 0


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_wrong(odd: float) -> None:
    """Weights that diverged must not look good by any metric."""
    answers = np.array([[odd, odd, odd], [odd, 0.1, 0.2], [0.7, 0.2, odd], [0.8, 0.1, 0.1]])
    targets = np.array([0, 0, 0, 0])
    assert top_k(answers[:3], targets[:3]) == top_k(answers[:3], targets[:3], 3) == 0.0
    assert top_k(answers, targets) == top_k(answers, targets, 3) == 0.25
    table = confusion(answers, targets)
    assert table.tolist() == [[1, 3, 0], [0, 0, 0], [0, 0, 0]]
    assert precision_recall(table)[1][0] == 0.25
    assert calibration_error(answers[:3], targets[:3]) == 1.0


def test_the_last_class_is_not_named_by_an_answer_that_is_not_finite() -> None:
    assert confusion(np.full((1, 3), np.nan), np.array([2])).tolist() == [
        [0, 0, 0], [0, 0, 0], [1, 0, 0],
    ]  # fmt: skip
