"""All numbers of one answer, by hand."""

import json

import numpy as np
import pytest

from striate.errors import DataError
from striate.evaluation import (
    Tree,
    aligned,
    calibration_error,
    calibration_interval,
    scores,
    wilson_interval,
)

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
    assert cat["precision_interval"] == list(wilson_interval(2 / 3, 3))  # 3 were called cats
    assert dog["recall_interval"] == list(wilson_interval(1 / 2, 2))  # 2 are dogs
    low, high = found["top1"]["bootstrap"]
    assert 0 <= low < 0.75 < high == 1
    low, high = dog["recall_interval"]
    assert 0 < low < 0.5 < high < 1
    low, high = found["calibration_interval"]
    assert low <= found["calibration_error"] <= high + 0.2
    assert "tree" not in found


def test_where_there_are_many_both_intervals_agree():
    answer = np.zeros((900, 6), np.float32)
    answer[:, 0], answer[:, 1] = 0.6, 0.4
    found = scores(answer, np.arange(900) % 3, tuple("abcdef"))
    for key in ("top1", "top5"):
        assert found[key]["bootstrap"] == pytest.approx(found[key]["interval"], abs=0.005)
    assert found["top1"]["value"] == pytest.approx(1 / 3)
    assert found["top5"]["value"] == 1


def test_the_interval_of_the_calibration_error_is_what_a_loop_finds():
    random = np.random.default_rng(0)
    answer = random.dirichlet(np.ones(3), 60).astype(np.float32)
    targets = random.integers(0, 3, 60)
    draws = np.random.default_rng(0).integers(0, 60, (200, 60))
    errors = [calibration_error(answer[rows], targets[rows]) for rows in draws]
    found = calibration_interval(answer, targets, rounds=200)
    assert found == pytest.approx(tuple(np.percentile(errors, [2.5, 97.5])), abs=1e-6)


def test_a_class_without_images_has_no_recall():
    found = scores(ANSWER, np.zeros(4, np.int64), ("cat", "dog"))
    assert found["classes"][1]["recall_interval"] is None
    assert found["classes"][1]["precision_interval"] == [0.0, wilson_interval(0, 1)[1]]


def test_with_a_tree():
    tree = Tree({"cat": "animal", "dog": "animal"})
    found = scores(ANSWER, TARGETS, ("cat", "dog"), tree=tree)["tree"]
    assert found == {
        "depths": [{"depth": 1, "classes": 2, "top1": 0.75}], "height_of_mistakes": 1.0,
        "hierarchical_error": 0.25,
    }  # fmt: skip
    inside = Tree({"dog": "cat"})  # the lowest class that holds both is the cat
    found = scores(ANSWER, TARGETS, ("cat", "dog"), tree=inside)["tree"]
    assert (found["height_of_mistakes"], found["hierarchical_error"]) == (1, 0.25)
    right = scores(ANSWER[[0]], TARGETS[[0]], ("cat", "dog"), tree=tree)["tree"]
    assert right["height_of_mistakes"] is None


def test_classes_in_another_order():
    turned = aligned(ANSWER, ("cat", "dog"), ("dog", "cat"))
    np.testing.assert_array_equal(turned, ANSWER[:, ::-1])
    with pytest.raises(DataError, match="'cow', 'dog' are not in all"):
        aligned(ANSWER, ("cat", "dog"), ("cat", "cow"))
