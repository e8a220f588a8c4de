"""Confident learning: the definition in loops, by hand, and planted errors found."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from striate.checking import labels
from striate.checking.labels import FEWEST, ODDS, accuracy, folds, out_of_fold, scaling, suspects


def test_suspects_by_hand():
    # Thresholds: class 0 (1 + 0.75 + 0.05) / 3 = 0.6; class 1 (0.8 + 0.6) / 2 = 0.7.
    chances = np.array([[1, 0], [0.75, 0.25], [0.05, 0.95], [0.2, 0.8], [0.4, 0.6]], np.float32)
    found = suspects(chances, np.array([0, 0, 0, 1, 1]))
    assert found.rows.tolist() == [2]
    assert found.given.tolist() == [1]
    np.testing.assert_allclose(found.sureness, [0.95])
    assert found.order.tolist() == [2, 4, 1, 3, 0]  # margins -0.9, 0.2, 0.5, 0.6, 1


def test_a_class_it_is_not_sure_enough_of_makes_no_suspect():
    # Class 1's own images get 0.9; the doubtful one gets 0.6 of it: below that threshold.
    chances = np.array([[0.9, 0.1], [0.4, 0.6], [0.1, 0.9]], np.float32)
    assert not len(suspects(chances, np.array([0, 0, 1])).rows)


def test_a_rival_that_is_hardly_more_probable_makes_no_suspect():
    # Thresholds 0.5 and 0.475: the third is over that of class 0, but 0.6 is no nine times 0.4.
    chances = np.array([[0.5, 0.5], [0.45, 0.55], [0.6, 0.4]], np.float32)
    assert not len(suspects(chances, np.array([0, 1, 1])).rows)


@given(st.integers(2, 5), st.integers(2, 30), st.integers(0, 2**32 - 1))
def test_the_definition_in_loops(classes, count, seed):
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(classes, 0.3), count)
    targets = random.integers(0, classes, count)
    expected = []
    for row in range(count):
        sure = [
            (chances[row, k], k)
            for k in range(classes)
            if (targets == k).any() and chances[row, k] >= chances[targets == k, k].mean()
        ]
        if sure and max(sure)[1] != targets[row]:
            own = chances[row, targets[row]]
            rival = max(chances[row, k] for k in range(classes) if k != targets[row])
            if rival >= ODDS * own:
                expected.append((own - rival, row))
    found = suspects(chances, targets)
    assert found.rows.tolist() == [row for _, row in sorted(expected)]
    assert sorted(found.order.tolist()) == list(range(count))


def test_rows_that_were_not_judged_are_not_suspect():
    chances = np.array([[np.nan, np.nan], [0.9, 0.1], [0.1, 0.9]], np.float32)
    found = suspects(chances, np.array([0, 0, 1]))
    assert found.order.tolist() == [1, 2]
    assert not len(found.rows)


def test_nothing_judged():
    found = suspects(np.full((3, 2), np.nan, np.float32), np.array([0, 1, 1]))
    assert not len(found.rows)
    assert not len(found.order)


def blobs(count=300, classes=3):
    """Three classes anyone tells apart, and which labels were exchanged."""
    random = np.random.default_rng(0)
    truth = np.arange(count) % classes
    features = (4 * np.eye(8)[truth] + random.standard_normal((count, 8))).astype(np.float32)
    wrong = np.arange(0, count, 20)
    targets = truth.copy()
    targets[wrong] = (targets[wrong] + 1) % classes
    return features, targets, truth, wrong


def test_planted_errors_are_the_first_suspects():
    features, targets, truth, wrong = blobs()
    chances = out_of_fold(features, targets, np.arange(300), classes=3)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-5)
    found = suspects(chances, targets)
    assert np.isin(wrong, found.order[: 2 * len(wrong)]).mean() > 0.9
    assert (found.given == truth[found.rows]).mean() > 0.9


def test_nobody_is_judged_by_a_copy_of_himself():
    random = np.random.default_rng(0)
    once = random.standard_normal((60, 200)).astype(np.float32)  # noise: only copies help
    features, targets = np.concatenate([once, once]), np.tile(random.integers(0, 2, 60), 2)
    groups = np.tile(np.arange(60), 2)

    def right(groups):
        chances = out_of_fold(features, targets, groups, classes=2)
        return (chances.argmax(1) == targets).mean()

    assert right(np.arange(120)) > 0.8
    assert right(groups) < 0.7


def test_folds_are_even_and_keep_copies_together():
    targets = np.repeat([0, 1], [50, 20])
    groups = np.arange(70)
    groups[1] = groups[2] = 0
    found = folds(targets, groups)
    assert found[0] == found[1] == found[2]
    assert np.bincount(found[50:]).tolist() == [4] * 5
    assert np.ptp(np.bincount(found[3:50], minlength=5)) <= 1


def test_classes_of_few_images_are_not_judged():
    features, targets, *_ = blobs()
    targets[: FEWEST - 1] = 3
    chances = out_of_fold(features, targets, np.arange(300), classes=4)
    assert np.isnan(chances[targets == 3]).all()
    assert not np.isnan(chances[targets != 3]).any()
    assert np.isnan(out_of_fold(features, np.zeros(300, int), np.arange(300), classes=2)).all()


def test_accuracy_of_what_was_not_learned_from():
    features, _, truth, _ = blobs()
    right = accuracy(features, truth, np.arange(0, 200), np.arange(200, 300))
    assert right.shape == (100,)
    assert right.mean() > 0.95


def test_a_constant_column_does_no_harm():
    mean, std = scaling(np.array([[1.0, 5.0], [3.0, 5.0]], np.float32))
    assert (mean.tolist(), std.tolist()) == ([2.0, 5.0], [1.0, 1.0])


def test_of_many_images_some_are_learned_from_and_all_are_judged(monkeypatch):
    features, targets, _, wrong = blobs()
    mean, std = scaling(features)
    monkeypatch.setattr(labels, "CHUNK", 7)
    monkeypatch.setattr(labels, "MOST", 60)
    np.testing.assert_allclose(scaling(features)[0], mean, atol=1e-6)
    np.testing.assert_allclose(scaling(features)[1], std, atol=1e-6)
    chances = out_of_fold(features, targets, np.arange(300), classes=3)
    assert not np.isnan(chances).any()
    found = suspects(chances, targets)
    assert np.isin(wrong, found.order[: 2 * len(wrong)]).mean() > 0.9
