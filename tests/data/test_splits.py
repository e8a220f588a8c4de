"""Splits: every image in one, each class in proportion, the same again, whatever the order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from striate.data.splits import count, joined, straddling, stratified

CLASSES = st.lists(st.integers(0, 5), max_size=120)
SHARES = st.floats(0.01, 0.6)


@given(CLASSES, SHARES, st.integers(-(2**40), 2**40), st.integers(1, 3))
def test_each_class_is_drawn_within_one_of_its_share(classes, share, seed, keep):
    targets = np.array(classes, dtype=np.int64)
    drawn = stratified(targets, share, seed=seed, keep=keep)
    assert drawn.shape == targets.shape
    for number in np.unique(targets):
        images = int((targets == number).sum())
        taken = int(drawn[targets == number].sum())
        assert taken == 0 or images - taken >= keep
        if images > keep:
            assert taken >= 1
            if images - keep >= share * images:
                assert abs(taken - share * images) <= 1


@given(CLASSES, SHARES, st.integers(0, 9), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_has_no_influence(classes, share, seed, random):
    keys = [f"image {row}" for row in range(len(classes))]
    drawn = stratified(np.array(classes), share, seed=seed, keys=keys)
    order = list(range(len(classes)))
    random.shuffle(order)
    again = stratified(
        np.array([classes[row] for row in order]),
        share,
        seed=seed,
        keys=[keys[row] for row in order],
    )
    np.testing.assert_array_equal(again, drawn[order])


@given(CLASSES, SHARES, st.integers(0, 9))
def test_the_same_seed_draws_the_same(classes, share, seed):
    targets = np.array(classes, dtype=np.int64)
    np.testing.assert_array_equal(
        stratified(targets, share, seed=seed), stratified(targets, share, seed=seed)
    )


def test_another_seed_draws_others():
    targets = np.zeros(200, dtype=np.int64)
    assert (stratified(targets, 0.5, seed=1) != stratified(targets, 0.5, seed=2)).mean() > 0.3


def test_a_file_more_moves_at_most_one_other():
    keys = [f"{row}.jpg" for row in range(100)]
    before = stratified(np.zeros(100, np.int64), 0.2, seed=0, keys=keys)
    after = stratified(np.zeros(101, np.int64), 0.2, seed=0, keys=[*keys, "new.jpg"])
    assert (before != after[:100]).sum() <= 1


def test_nothing_and_everything():
    assert stratified(np.array([], np.int64), 0.2, seed=0).tolist() == []
    assert not stratified(np.zeros(9, np.int64), 0.0, seed=0).any()
    assert stratified(np.zeros(9, np.int64), 1.0, seed=0).sum() == 8  # one is always left


@pytest.mark.parametrize(
    ("images", "keep", "expected"),
    [(1, 1, 0), (2, 1, 1), (2, 2, 0), (3, 2, 1), (4, 1, 1), (7, 1, 1), (8, 1, 2), (1000, 1, 200)],
)
def test_counts_by_hand(images, keep, expected):
    """A fifth, rounded; at least one; at least `keep` left."""
    assert count(images, 0.2, keep) == expected


def test_a_share_is_between_0_and_1():
    with pytest.raises(ValueError, match=r"1\.2"):
        stratified(np.zeros(3, np.int64), 1.2, seed=0)


def test_names_that_are_no_utf8_can_be_drawn():
    assert stratified(np.zeros(3, np.int64), 0.4, seed=0, keys=["\udcff", "b", "c"]).sum() == 1


@given(CLASSES, SHARES, st.integers(0, 9), st.integers(1, 3))
def test_groups_of_one_change_nothing(classes, share, seed, keep):
    targets = np.array(classes, dtype=np.int64)
    alone = stratified(targets, share, seed=seed, keep=keep)
    groups = np.arange(len(targets))[::-1]
    np.testing.assert_array_equal(
        stratified(targets, share, seed=seed, keep=keep, groups=groups), alone
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 25)), min_size=1, max_size=120),
    SHARES, st.integers(0, 9), st.integers(1, 2),
)  # fmt: skip
def test_groups_are_drawn_whole_and_leave_some_of_every_class(rows, share, seed, keep):
    targets, groups = np.array(rows, dtype=np.int64).T
    drawn = stratified(targets, share, seed=seed, keep=keep, groups=groups)
    for group in np.unique(groups):
        assert len(set(drawn[groups == group].tolist())) == 1
    for number in np.unique(targets):
        of_class = set(groups[targets == number].tolist())
        left = set(groups[(targets == number) & ~drawn].tolist())
        assert len(left) >= min(keep, len(of_class))


def test_a_few_large_groups_are_drawn_although_that_is_more_than_the_share():
    targets = np.repeat([0, 1], 18)
    groups = np.repeat(np.arange(6), 6)  # three of six images in each class
    drawn = stratified(targets, 0.2, seed=0, keep=2, groups=groups)
    assert [int(drawn[targets == number].sum()) for number in (0, 1)] == [6, 6]
    drawn = stratified(targets[~drawn], 0.05, seed=0, keep=1, groups=groups[~drawn])
    assert drawn.sum() == 12  # the share would be one image; none would leave nothing to choose on


def test_joining_and_straddling():
    assert joined(np.array([0, 1, 2, 3]), np.array([0, 0, 1, 1])).tolist() == [0, 0, 2, 2]
    split = np.array([0, 1, 2, -1, 0, 0])
    assert straddling(split, np.array([5, 5, 6, 6, 7, 7]), {1, 2}).tolist() == [5]
    assert straddling(split, np.array([5, 5, 5, 6, 7, 7]), set()).tolist() == []
