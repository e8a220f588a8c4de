"""Which rows were seen before, by hand, and how it is said."""

import numpy as np

from striate.checking import seen_before, sentence
from striate.data import Array, Dataset, Labels


def dataset(split):
    count = len(split)
    images = Array(np.zeros((count, 4, 4), np.uint8))
    return Dataset(
        "set", images, Labels(("a", "b"), np.zeros(count, int)), np.array(split, np.int8)
    )


def test_seen_before_by_hand():
    data = dataset([0, 0, 1, 1, 2, 2, 2])
    groups = np.array([0, 1, 1, 3, 0, 3, 6])
    assert seen_before(data, groups).tolist() == [4, 5]
    assert seen_before(data, groups, split=1).tolist() == [2]
    assert seen_before(data, groups, split=0).tolist() == []


def test_the_sentence_for_people():
    data = dataset([0, 2, 2, 2, 2])
    assert sentence(data, np.array([1])) == "1 of 4 test images (25.0 %) also stands in training"
    data = dataset([0, 1, 2, 2, 2, 2])
    expected = "2 of 4 test images (50.0 %) also stand in training or validation"
    assert sentence(data, np.array([2, 3])) == expected
