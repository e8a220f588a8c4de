"""How much each picture counts in learning."""

from dataclasses import replace

import numpy as np
import pytest

from striate.data import Array, Dataset, Labels, Tags
from striate.errors import DataError
from striate.tasks.pictures.problem import importance

SET = Dataset(
    "four",
    Array(np.zeros((4, 1, 1), np.uint8)),
    Labels(("a", "b"), np.array([0, 0, 0, 1])),
    np.zeros(4, np.int8),
)


def test_all_alike_need_no_weights():
    assert importance(SET, 0) is None


def test_classes_count_alike_and_one_in_the_mean():
    assert importance(SET, 1) == pytest.approx(np.array([2, 2, 2, 6]) / 3)
    assert importance(SET, 0.5) == pytest.approx(
        np.array([3**-0.5] * 3 + [1]) * 4 / (3 * 3**-0.5 + 1)
    )


def test_a_picture_s_own_weight_is_part_of_that_of_its_class():
    weighed = replace(SET, weights=np.array([0.0, 1, 3, 8]))
    assert importance(weighed, 0) == pytest.approx(np.array([0, 1, 3, 8]) / 3)
    assert importance(weighed, 1) == pytest.approx(np.array([0, 0.5, 1.5, 2]))


def test_of_several_tags_the_rarest_is_meant():
    tags = Tags(("a", "b"), np.array([[1, 0], [1, 0], [1, 0], [1, 1]], np.int8))
    assert importance(replace(SET, targets=tags), 1) == pytest.approx(np.array([2, 2, 2, 6]) / 3)


def test_nothing_that_counts_is_refused():
    with pytest.raises(DataError, match="no training image has a weight above 0"):
        importance(replace(SET, weights=np.zeros(4)), 0)
