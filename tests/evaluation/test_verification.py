"""Verification by pencil: the curve, its area, the equal error rate, and LFW's folds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from striate.evaluation.verification import (
    accepted_at,
    area_under,
    best_threshold,
    equal_error,
    fold_accuracies,
    roc,
)

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=12).filter(
    lambda some: len({same for _, same in some}) == 2
)


def test_the_curve_by_pencil():
    false, true = roc(np.array([4.0, 3, 2, 1]), np.array([True, False, True, False]))
    assert false.tolist() == [0, 0, 0.5, 0.5, 1]
    assert true.tolist() == [0, 0.5, 0.5, 1, 1]
    assert area_under(false, true) == 0.75  # three of the four pairs of pairs are in order
    assert accepted_at(false, true, 0.4) == 0.5
    assert accepted_at(false, true, 0.5) == 1


def test_equal_errors_meet_between_points():
    # from (0, 0) to (1, 1) in one step: both errors are a half, in its middle
    assert equal_error(*roc(np.ones(4), np.array([True, True, False, False]))) == 0.5


@given(PAIRS)
def test_the_area_is_scikit_learns(pairs):
    values, same = (np.array(each) for each in zip(*pairs, strict=True))
    area = area_under(*roc(values.astype(float), same))
    assert area == pytest.approx(roc_auc_score(same, values))


@given(PAIRS)
def test_no_threshold_is_right_more_often(pairs):
    values, same = (np.array(each) for each in zip(*pairs, strict=True))
    chosen = ((values >= best_threshold(values.astype(float), same)) == same).mean()
    assert chosen == max(((values >= least) == same).mean() for least in np.arange(-0.5, 6.5))


def test_a_fold_is_judged_by_the_threshold_of_the_others():
    # fold 0 parts at 0.5, fold 1 at 0.7: each is half right by the other's threshold
    similarity = np.array([0.4, 0.6, 0.6, 0.8])
    same = np.array([False, True, False, True])
    fold = np.array([0, 0, 1, 1])
    assert fold_accuracies(similarity, same, fold).tolist() == [0.5, 0.5]
    assert len(fold_accuracies(similarity, same, np.zeros(4, np.int64))) == 0
