"""Average precision by pencil, by loops, and by scikit-learn where it means the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score
from sklearn.metrics import hamming_loss as sklearn_hamming

from striate.evaluation import average_precision, mean_average_precision, precision_recall_curve
from striate.evaluation.multilabel import (
    average_precision_intervals,
    f1_of,
    hamming_loss,
    micro_f1,
    resampled_average_precision,
)
from striate.evaluation.resampling import bias

SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
TARGETS = np.array([1, 0, 1, 1, 0])  # precision 1, 1/2, 2/3, 3/4, 3/5 at recall 1/3, 1/3, 2/3, 1, 1


def test_the_curve_by_pencil():
    precision, recall = precision_recall_curve(SCORES, TARGETS)
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4, 3 / 5])
    assert recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1, 1])


def test_both_rules_by_pencil():
    found = average_precision(SCORES[:, None], TARGETS[:, None])
    assert found[0] == pytest.approx(1 / 3 + 3 / 4 * 2 / 3)  # 3/4 is the largest from there on
    found = average_precision(SCORES[:, None], TARGETS[:, None], rule="11")
    assert found[0] == pytest.approx((4 * 1 + 7 * 3 / 4) / 11)  # recalls 0 to 0.3, then to 1


def test_what_nobody_says_counts_as_neither():
    unsaid = average_precision(np.append(SCORES, 0.95)[:, None], np.append(TARGETS, -1)[:, None])
    assert unsaid == pytest.approx(average_precision(SCORES[:, None], TARGETS[:, None]))


def test_a_class_that_is_not_there_has_none_and_the_mean_leaves_it_out():
    scores, targets = np.tile(SCORES[:, None], 2), np.stack([TARGETS, np.zeros(5, int)], 1)
    found = average_precision(scores, targets)
    assert np.isnan(found[1])
    assert mean_average_precision(scores, targets) == pytest.approx(found[0])


def test_a_perfect_order_has_one_and_scikit_learn_says_so_too():
    scores, targets = np.array([0.9, 0.8, 0.3, 0.1]), np.array([1, 1, 0, 0])
    assert average_precision(scores[:, None], targets[:, None])[0] == 1
    assert average_precision_score(targets, scores) == 1


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=30), st.integers(0, 99))
def test_the_area_is_what_loops_find(labels, seed):
    targets = np.array(labels)
    scores = np.random.default_rng(seed).permutation(len(labels)).astype(float)
    if not (targets == 1).any():
        return
    ranked = [t for _, t in sorted(zip(-scores, labels, strict=True)) if t >= 0]
    points = []  # (recall, precision)
    for k in range(1, len(ranked) + 1):
        hits = sum(ranked[:k])
        points.append((hits / labels.count(1), hits / k))
    area, last = 0.0, 0.0
    for recall in sorted({r for r, _ in points}):
        area += (recall - last) * max(p for r, p in points if r >= recall)
        last = recall
    eleven = sum(max((p for r, p in points if r >= t / 10 - 1e-9), default=0) for t in range(11))
    columns = scores[:, None], targets[:, None]
    assert average_precision(*columns)[0] == pytest.approx(area)
    assert average_precision(*columns, rule="11")[0] == pytest.approx(eleven / 11)
    if (targets >= 0).all():  # scikit-learn does not raise precision to what lies beyond
        assert area >= average_precision_score(targets, scores) - 1e-9


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_is_wrong(odd):
    nothing = np.full((4, 1), odd)
    assert average_precision(nothing, np.array([[1], [1], [0], [0]])) == [0.0]
    assert average_precision(nothing[:1], np.array([[1]])) == [0.0]
    # the second of two positives is never found, and the negative without a score comes first
    scores = np.array([0.9, odd, odd, 0.1])[:, None]
    found = average_precision(scores, np.array([[1], [1], [0], [0]]))
    assert found == [pytest.approx(1 / 2 * 1 / 2)]


@given(st.integers(0, 2**32 - 1))
def test_drawn_anew_it_is_what_the_drawn_images_give(seed: int) -> None:
    """Weights in one order, beside the plain form on copies of the images; scores may be equal."""
    random = np.random.default_rng(seed)
    scores = random.integers(0, 30, (12, 3)) / 30 + np.arange(12)[:, None] * 1e-6
    targets = random.integers(-1, 2, (12, 3))
    rows = random.integers(0, 12, (5, 12))
    found = resampled_average_precision(scores, targets, rows)
    for value, some in zip(found, rows, strict=True):
        each = average_precision(scores[some], targets[some])
        expected = np.nanmean(each) if not np.isnan(each).all() else np.nan
        np.testing.assert_allclose(value, expected)


def test_decisions_by_pencil():
    there = np.array([[1, 0], [1, 1], [0, 0], [1, 0]], bool)
    targets = np.array([[1, 1], [0, 1], [1, 0], [-1, 0]])
    precision, recall, f1 = f1_of(there, targets)
    assert precision.tolist() == [1 / 2, 1]  # the last row's first class is unknown
    assert recall.tolist() == [1 / 2, 1 / 2]
    assert f1.tolist() == pytest.approx([1 / 2, 2 / 3])
    assert micro_f1(there, targets) == pytest.approx(2 * 2 / (3 + 4))
    assert hamming_loss(there, targets) == pytest.approx(3 / 7)


def test_scikit_learn_counts_the_same():
    random = np.random.default_rng(0)
    there, targets = random.random((50, 4)) > 0.5, random.integers(0, 2, (50, 4))
    assert micro_f1(there, targets) == pytest.approx(f1_score(targets, there, average="micro"))
    assert f1_of(there, targets)[2].mean() == pytest.approx(
        f1_score(targets, there, average="macro")
    )
    assert hamming_loss(there, targets) == pytest.approx(sklearn_hamming(targets, there))


def test_intervals_lie_around_the_score_of_the_images_themselves():
    """Drawn as they are, copies of an image raise the average precision of few images."""
    random = np.random.default_rng(0)
    targets = (random.random((40, 6)) < 0.2).astype(int)
    scores = targets + random.normal(scale=1.5, size=(40, 6))
    value = mean_average_precision(scores, targets)

    def statistic(rows):
        return resampled_average_precision(scores, targets, rows)

    assert bias(statistic, 40, value) > 0.01
    ends = average_precision_intervals(scores, targets)
    middle = ends.mean(1)
    assert np.abs(middle - average_precision(scores, targets)).max() < 0.12
    assert (ends[:, 0] < ends[:, 1]).all()
