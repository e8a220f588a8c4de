"""The curve from scores to probabilities: by hand, beside scikit-learn's, with few detections."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from striate.tasks.detection.probabilities import (
    ENOUGH,
    LEAST,
    PLAIN,
    platt_curve,
    platt_curves,
)

seeds = st.integers(0, 10_000)


def drawn(seed: int, count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores, and which are right: one at least is, and one is not."""
    random = np.random.default_rng(seed)
    scores = random.normal(random.normal(), random.uniform(0.1, 5), count)
    probability = 1 / (1 + np.exp(-random.normal(1, 2) * scores - random.normal()))
    right = random.random(count) < probability
    right[:2] = True, False
    return scores, right


def test_two_scores_by_hand() -> None:
    # Nine of ten at 1 and one of ten at -1: with Platt's targets (11/12 for the ten that are right,
    # 1/12 for the rest) the probability at 1 is (9 · 11 + 1) / 120 = 5/6, whose logit is log 5.
    scores = np.array([1.0] * 10 + [-1.0] * 10)
    right = np.array([True] * 9 + [False] * 10 + [True])
    slope, bias = platt_curve(scores, right)
    assert slope == pytest.approx(np.log(5), abs=1e-6)
    assert bias == pytest.approx(0, abs=1e-6)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.integers(3, 200))
def test_it_is_logistic_regression_with_targets_off_0_and_1(seed: int, count: int) -> None:
    scores, right = drawn(seed, count)
    slope, bias = platt_curve(scores, right)
    yes, no = int(right.sum()), int((~right).sum())
    target = np.where(right, (yes + 1) / (yes + 2), 1 / (no + 2))
    column = (scores - scores.mean())[:, None] / scores.std()
    known = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(
        np.concatenate([column, column]),
        np.repeat([1, 0], count),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    if known.coef_[0, 0] > LEAST:
        probabilities = 1 / (1 + np.exp(-slope * scores - bias))
        np.testing.assert_allclose(probabilities, known.predict_proba(column)[:, 1], atol=1e-4)
    else:
        assert slope == pytest.approx(LEAST / scores.std())


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_other_units_change_no_probability(seed: int, unit: float, zero: float) -> None:
    scores, right = drawn(seed, 60)
    slope, bias = platt_curve(scores, right)
    stretched, shifted = platt_curve(unit * scores + zero, right)
    expected = slope * scores + bias
    np.testing.assert_allclose(stretched * (unit * scores + zero) + shifted, expected, atol=1e-3)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seeds, st.floats(0, 1))
def test_probabilities_come_true_on_the_whole(seed: int, share: float) -> None:
    # At the optimum the probabilities add up to the targets.
    scores, _ = drawn(seed, 80)
    right = np.arange(80) < 1 + round(share * 78)
    slope, bias = platt_curve(scores, right)
    yes, no = int(right.sum()), int((~right).sum())
    total = (1 / (1 + np.exp(-slope * scores - bias))).sum()
    assert total == pytest.approx(yes * (yes + 1) / (yes + 2) + no / (no + 2), rel=1e-5)


@pytest.mark.parametrize("right", [[], [True, True, True], [False, False, False]])
def test_all_right_or_all_wrong(right: list[bool]) -> None:
    scores = np.array([3.0, 2.0, 1.0])[: len(right)]
    assert platt_curve(scores, np.array(right, bool)) == PLAIN


def test_a_better_score_never_means_less() -> None:
    scores = np.array([3.0, 2.0, 1.0, 0.0])
    slope, bias = platt_curve(scores, np.array([False, False, True, True]))
    assert slope == pytest.approx(LEAST / scores.std())
    assert slope * 1.5 + bias == pytest.approx(0, abs=1e-5)  # half of them are right


def test_one_score_for_all() -> None:
    slope, bias = platt_curve(np.full(9, 4.0), np.arange(9) < 3)
    assert slope >= LEAST
    expected = (3 * 4 / 5 + 6 / 8) / 9  # the mean of Platt's targets
    assert 1 / (1 + np.exp(-slope * 4 - bias)) == pytest.approx(expected, abs=1e-5)


def test_a_class_with_few_detections_is_as_all_together() -> None:
    scores, right = drawn(7, 300)
    few = np.arange(6) < ENOUGH - 1  # one is wrong, too few for a curve
    table = platt_curves([scores, np.zeros(6), np.zeros(0)], [right, few, np.zeros(0, bool)])
    together = platt_curve(np.concatenate([scores, np.zeros(6)]), np.concatenate([right, few]))
    assert tuple(table[0]) == platt_curve(scores, right)
    assert tuple(table[1]) == tuple(table[2]) == together != tuple(table[0])
    assert platt_curves([np.zeros(0)], [np.zeros(0, bool)]).tolist() == [list(PLAIN)]
    assert platt_curves([], []).shape == (0, 2)
