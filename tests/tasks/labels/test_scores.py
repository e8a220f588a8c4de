"""Answers beside labels: by the predictor's numbers, whatever the order of the set's classes."""

import json

import numpy as np
import pytest

from striate.data import Array, Dataset, Labels
from striate.errors import DataError
from striate.evaluation import Tree, wilson_interval
from striate.tasks.classification.task import Classification
from striate.tasks.contract import Answered, lead
from striate.tasks.labels.answers import Answer
from striate.tasks.labels.scores import Classified, classified

NAMES = ("cat", "dog")
ANSWER = np.array([[0.7, 0.3], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]], np.float32)
TARGETS = np.array([0, 1, 1, 0])


def dataset(names: tuple[str, ...], numbers: list[int]) -> Dataset[Labels]:
    pixels = np.zeros((len(numbers), 4, 4), np.uint8)
    targets = Labels(names, np.array(numbers, np.int64))
    return Dataset("some", Array(pixels), targets, np.full(len(numbers), 2, np.int8))


def answered(rows: tuple[int, ...], probabilities: np.ndarray) -> Answered:
    return Answered(rows, [Answer(row, True) for row in probabilities], 0.25, (("x", "broken"),))


def test_numbers_by_hand() -> None:
    found = classified(answered((0, 1, 2, 3), ANSWER), dataset(NAMES, [0, 1, 1, 0]), NAMES)
    assert (found.value, found.examples, found.seconds) == (0.75, 4, 0.25)
    assert found.interval == wilson_interval(0.75, 4)
    assert found.broken == (("x", "broken"),)
    assert list(found.metrics) == ["top1", "calibration_error"]  # top-5 of two classes says nothing
    assert found.right.tolist() == [1, 0, 1, 1]
    rows = np.array([[0, 0, 0, 0], [0, 1, 1, 2], [1, 1, 1, 1]])
    assert found.resampled(rows).tolist() == [1.0, 0.5, 0.0]


def test_guessing_is_always_giving_the_commonest_class_of_the_test() -> None:
    right = np.eye(2, dtype=np.float32)

    def of(*numbers: int) -> Classified:
        """All of these are answered rightly."""
        rows = tuple(range(len(numbers)))
        return classified(answered(rows, right[list(numbers)]), dataset(NAMES, [*numbers]), NAMES)

    assert of(0, 1, 1, 1).chance == 0.75
    assert of(1, 0).is_guessing  # 34.2 to 100 % (Wilson), where one answer to both gets 50
    assert not of(*[0, 1] * 3).is_guessing  # 61.0 to 100 %
    assert of().chance is None


def test_top_5_is_there_where_it_says_something() -> None:
    names = tuple("abcdef")
    probabilities = np.tile(np.array([0.3, 0.25, 0.2, 0.15, 0.07, 0.03], np.float32), (6, 1))
    found = classified(
        answered(tuple(range(6)), probabilities), dataset(names, list(range(6))), names
    )
    assert found.metrics["top5"] == pytest.approx(5 / 6)
    assert any(line.startswith("top-5 83.3 %") for line in found.lines())
    task = Classification()
    assert [c.metric for c in task.columns_for(dataset(names, [0]))] == [
        "top5",
        "calibration_error",
    ]
    assert [c.metric for c in task.columns_for(dataset(NAMES, [0]))] == ["calibration_error"]


def test_classes_of_the_set_in_another_order_and_fewer() -> None:
    # of rows 2 and 0 the set says "dog" and "cat"; the recognizer also knows cows
    some = dataset(("dog", "cat"), [1, 1, 0])
    probabilities = np.array([[0.1, 0.1, 0.8], [0.2, 0.7, 0.1]], np.float32)
    found = classified(answered((2, 0), probabilities), some, ("cow", "cat", "dog"))
    assert found.targets.tolist() == [2, 1]
    assert found.value == 1.0


def test_a_class_that_the_recognizer_lacks() -> None:
    some = dataset(("cat", "emu"), [0, 1])
    with pytest.raises(DataError, match="the recognizer does not know emu; it knows cat, dog"):
        classified(answered((0, 1), ANSWER[:2]), some, NAMES)
    assert classified(answered((0,), ANSWER[:1]), some, NAMES).value == 1.0
    assert Classification().scorable(some, NAMES).tolist() == [True, False]


def test_lines_and_json() -> None:
    tree = Tree({"cat": "animal", "dog": "animal"})
    found = Classified(ANSWER, TARGETS, NAMES, 0.0, tree=tree)
    values = found.to_json()
    assert json.loads(json.dumps(values)) == values
    assert values["metrics"]["top1"] == values["top1"]["value"] == 0.75
    assert [row["name"] for row in values["classes"]] == ["cat", "dog"]
    lines = list(found.lines())
    assert lines[0].startswith("calibration error ")
    assert "top-1 of 2 classes at depth 1: 75.0 %" in lines
    assert "hierarchical error 0.250" in lines
    assert "mean height of a mistake in the tree: 1.00" in lines
    assert lines[-1].split() == ["dog", "2", "100.0", "%", "50.0", "%"]
    never = list(Classified(ANSWER[:1], TARGETS[:1], NAMES, 0.0).lines())[-1]
    assert never.split() == ["dog", "0", "–", "–"]


def test_the_lead_is_that_of_the_same_images() -> None:
    mine = Classified(ANSWER, TARGETS, NAMES, 0.0)
    always = Classified(np.tile(ANSWER[:1], (4, 1)), TARGETS, NAMES, 0.0)
    low, high = lead([mine], [always])
    assert low == 0  # never behind
    assert high > 0.25
    assert lead([mine], [mine]) == (0, 0)


def test_answers_that_are_not_finite_are_wrong() -> None:
    nothing = Classified(np.full((4, 2), np.nan, np.float32), TARGETS, NAMES, 0.0)
    assert nothing.value == 0.0
    assert nothing.metrics["calibration_error"] == 1.0
    assert nothing.confidence.tolist() == [0, 0, 0, 0]
