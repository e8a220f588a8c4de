"""All numbers of one answer, by hand."""

import json

import numpy as np
import pytest

from striate.errors import DataError
from striate.evaluation import Tree, aligned, difference, scores

ANSWER = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]], np.float32)
TARGETS = np.array([0, 1, 1, 0])


def test_numbers_by_hand_and_plain():
    found = scores(ANSWER, TARGETS, ("cat", "dog"))
    assert json.loads(json.dumps(found)) == found
    assert found["images"] == 4
    assert found["top1"]["value"] == 0.75
    assert found["top5"] is None
    cat, dog = found["classes"]
    assert (cat["precision"], cat["recall"]) == (pytest.approx(2 / 3), 1)
    assert (dog["precision"], dog["recall"], dog["images"]) == (1, 0.5, 2)
    low, high = dog["recall_interval"]
    assert 0 < low < 0.5 < high < 1
    low, high = found["calibration_interval"]
    assert low <= found["calibration_error"] <= high + 0.2
    assert "tree" not in found


def test_a_class_without_images_has_no_recall():
    found = scores(ANSWER, np.zeros(4, np.int64), ("cat", "dog"))
    assert found["classes"][1]["recall_interval"] is None


def test_with_a_tree():
    tree = Tree({"cat": "animal", "dog": "animal"})
    found = scores(ANSWER, TARGETS, ("cat", "dog"), tree=tree)["tree"]
    assert found == {
        "depths": [{"depth": 1, "classes": 2, "top1": 0.75}], "height_of_mistakes": 1.0,
    }  # fmt: skip
    right = scores(ANSWER[[0]], TARGETS[[0]], ("cat", "dog"), tree=tree)["tree"]
    assert right["height_of_mistakes"] is None


def test_the_difference_is_of_the_same_images():
    always = np.tile(np.array([[1.0, 0.0]], np.float32), (4, 1))
    found = difference(ANSWER, always, TARGETS)
    assert found["value"] == 0.25
    assert found["interval"][0] == 0  # never behind
    assert difference(ANSWER, ANSWER, TARGETS) == {"value": 0.0, "interval": [0.0, 0.0]}


def test_classes_in_another_order():
    turned = aligned(ANSWER, ("cat", "dog"), ("dog", "cat"))
    np.testing.assert_array_equal(turned, ANSWER[:, ::-1])
    with pytest.raises(DataError, match="'cow', 'dog' are not in all"):
        aligned(ANSWER, ("cat", "dog"), ("cat", "cow"))
