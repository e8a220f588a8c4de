"""The sheet of views: what it draws, of which datasets, and in which words."""

from dataclasses import dataclass

import numpy as np
import pytest

from striate.augment import Augmentation, Spread
from striate.data import Array, Boxes, Dataset, Labels, Objects
from striate.data import open as open_data
from striate.errors import UserError
from striate.visualize.augmenting import in_words, of_views, parts, sample

NOTHING = Augmentation()


def test_rows_are_of_as_many_classes_as_there_are():
    data = open_data("digits")
    some = sample(data, 12, seed=4)
    classes = data.targets.numbers[list(some.rows)].tolist()
    assert classes == sorted(classes)
    assert set(classes) == set(range(10))
    assert len(some.pictures) == 12
    assert some.small_and_gray


def test_pictures_with_boxes_are_drawn_as_well():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 80, 90, 3), dtype=np.uint8)
    one = Objects(
        np.array([[5, 5, 30, 30]], np.float32), np.zeros(1, np.int64), np.zeros(1, bool),
        np.zeros(1, bool),
    )  # fmt: skip
    boxes = Boxes(("cell",), (one,) * 6, np.array([[80, 90]] * 6))
    some = sample(Dataset("cells", Array(pixels), boxes, np.zeros(6, np.int8)), 2, seed=0)
    assert not some.small_and_gray
    page = of_views(some, {"1": NOTHING, "2": NOTHING}, named=False, seed=0, caption="as it is")
    assert page.dtype == np.uint8
    assert page.shape[1] > 3 * 72


def test_what_is_not_a_picture_is_refused():
    @dataclass
    class Texts(Array):
        def __getitem__(self, row):
            return "a sentence"

    words = Texts.__new__(Texts)
    Array.__init__(words, np.zeros((4, 8, 8), np.uint8))
    data = Dataset("texts", words, Labels(("a", "b"), np.arange(4) % 2), np.zeros(4, np.int8))
    with pytest.raises(UserError, match="texts: its inputs are not pictures"):
        sample(data, 2, seed=0)


def test_an_augmentation_taken_apart():
    augmentation = Augmentation(Spread(mirror=0.5, shear=6), principal=0.1)
    assert parts(augmentation) == {
        "mirror": Augmentation(Spread(mirror=1.0)),
        "shear": Augmentation(Spread(shear=6)),
        "PCA color": Augmentation(principal=0.1),
        "all": augmentation,
    }
    assert in_words(augmentation) == "mirror image 50% of the time, shear ±6°, PCA color 0.1"
    assert in_words(NOTHING) == "nothing"
