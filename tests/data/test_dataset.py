"""Sets: their parts, what is left out, and their fingerprint."""

from dataclasses import replace

import numpy as np
import pytest

from striate.data.dataset import SPLITS, Array, Dataset, Files, LeftOut, printable
from striate.data.folding import folds
from striate.data.targets import Labels
from striate.errors import ImageError

PIXELS = np.arange(12 * 4 * 4, dtype=np.uint8).reshape(12, 4, 4)


def labels(numbers) -> Labels:
    return Labels(("even", "odd"), np.array(numbers))


def small(seed: int = 0) -> Dataset:
    data = Dataset(
        name="small",
        inputs=Array(PIXELS, "row"),
        targets=labels(np.arange(12) % 2),
        split=np.zeros(12, np.int8),
    )
    return data.complete(seed)


def test_missing_splits_are_drawn_from_each_class():
    """Of six a class: 1.2 for the test, then 1.0 of five to choose on."""
    data = small()
    assert data.drawn == {"test", "validation"}
    assert data.counts().tolist() == [[4, 1, 1], [4, 1, 1]]
    assert len(data.train) + len(data.validation) + len(data.test) == len(data) == 12


def test_a_split_that_is_there_is_kept():
    split = np.array([0] * 8 + [2] * 4, np.int8)
    data = replace(small(), split=split, drawn=frozenset()).complete(0)
    assert data.drawn == {"validation"}
    assert (data.split[8:] == 2).all()
    assert data.counts()[:, 1].tolist() == [1, 1]


def test_a_class_of_two_is_learned_from_and_chosen_on():
    data = replace(small(), split=np.zeros(12, np.int8), targets=labels([0] * 10 + [1] * 2))
    assert data.complete(0).counts().tolist() == [[6, 2, 2], [1, 1, 0]]


def test_a_part_has_its_own_images():
    data = small()
    for number, part in enumerate((data.train, data.validation, data.test)):
        rows = np.flatnonzero(data.split == number)
        assert [part.inputs.name(row) for row in range(len(part))] == [f"row/{row}" for row in rows]
        for row in range(len(part)):
            np.testing.assert_array_equal(part.inputs[row][..., 0], PIXELS[rows[row]])


def test_taking_twice_is_taking_once():
    twice = small().take([7, 3, 5]).take([2, 0])
    assert [twice.inputs.name(row) for row in range(2)] == ["row/5", "row/7"]
    assert twice.targets.numbers.tolist() == [1, 1]


def test_redrawing_changes_validation_and_never_the_test():
    data = small()
    draws = [data.redraw(seed) for seed in range(8)]
    for draw in draws:
        np.testing.assert_array_equal(draw.split == 2, data.split == 2)
        assert draw.counts().tolist() == data.counts().tolist()
    assert len({draw.split.tobytes() for draw in draws}) > 1
    np.testing.assert_array_equal(data.redraw(3).split, data.redraw(3).split)
    fixed = replace(data, drawn=frozenset({"test"}))
    assert fixed.redraw(5) is fixed


def test_without_names_what_is_gone():
    data = small().without({3: "broken PNG", 0: "empty file"})
    assert len(data) == 10
    assert data.left_out == (LeftOut("row/0", "empty file"), LeftOut("row/3", "broken PNG"))
    assert data.inputs.name(0) == "row/1"
    assert len(small().without({})) == 12


def test_fingerprint_follows_content_and_not_order_or_split():
    data = small()
    assert len(data.fingerprint()) == 64
    assert data.take(np.arange(12)[::-1]).fingerprint() == data.fingerprint()
    assert data.redraw(4).fingerprint() == data.fingerprint()
    assert data.take(range(11)).fingerprint() != data.fingerprint()
    assert (
        replace(data, targets=Labels(("even", "other"), data.targets.numbers)).fingerprint()
        != data.fingerprint()
    )
    turned = 1 - data.targets.numbers
    assert replace(data, targets=labels(turned)).fingerprint() != data.fingerprint()
    numbered_otherwise = replace(data, targets=Labels(("odd", "even"), turned))
    assert numbered_otherwise.fingerprint() != data.fingerprint()
    changed = PIXELS.copy()
    changed[5, 0, 0] += 1
    assert replace(data, inputs=Array(changed, "row")).fingerprint() != data.fingerprint()


def test_files_have_names_paths_and_sizes(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"12345")
    files = Files(["a/1.png", "a/2.png"], tmp_path)
    assert files.name(0) == "a/1.png"
    assert files.path(0) == tmp_path / "a" / "1.png"
    assert (files.mark(0), files.mark(1)) == (b"5", b"absent")
    assert files.take([1]).name(0) == "a/2.png"
    with pytest.raises(ImageError, match="No such file"):
        files[1]


def test_arrays_may_be_gray_or_color_and_nothing_else():
    assert Array(PIXELS)[0].shape == (4, 4, 3)
    assert Array(np.zeros((2, 4, 5, 3), np.uint8))[1].shape == (4, 5, 3)
    assert Array(PIXELS, ["a"] * 12).name(3) == "a"
    assert Array(PIXELS).path(0) is None
    for wrong in (
        np.zeros((2, 4, 4)),
        np.zeros((2, 4, 4, 4), np.uint8),
        np.zeros((4, 4), np.uint8),
    ):
        with pytest.raises(ValueError, match="uint8"):
            Array(wrong)


def test_a_set_has_as_many_images_as_targets():
    with pytest.raises(ValueError, match="12 inputs, 2 targets and 12 splits"):
        replace(small(), targets=labels([0, 1]))


def test_names_can_always_be_printed():
    assert printable("caf\udce9.jpg") == "caf\ufffd.jpg"
    assert SPLITS == ("train", "validation", "test")


def test_at_most_keeps_the_shares_and_whole_groups():
    """60 pictures, 40 of one class and 20 of the other, in pairs: a half of everything."""
    data = Dataset(
        name="pairs",
        inputs=Array(np.zeros((60, 1, 1), np.uint8), "row"),
        targets=labels(np.arange(60) // 40),
        split=np.zeros(60, np.int8),
        groups=np.arange(60) // 2,
    ).complete(0)
    less = data.at_most(30, seed=1)
    assert np.abs(less.counts().sum(1) - [20, 10]).max() <= 2  # a pair in each split, at most
    assert set(np.unique(less.groups, return_counts=True)[1].tolist()) == {2}
    assert data.at_most(60, seed=1) is data
    assert less.notes[-1] == f"{len(less)} of 60 images, as was asked"


def test_folds_keep_groups_together():
    data = replace(small(), groups=np.arange(12) // 3)
    for part in folds(data, 4, validation=0.3):
        for group in range(4):
            assert len(set(part.split[data.groups == group].tolist())) == 1
    with pytest.raises(ValueError, match="4 groups of inputs cannot be cut into 5 folds"):
        folds(data, 5)
