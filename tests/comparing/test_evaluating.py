"""Recognizers of any task beside each other: here of one that tells dark from bright."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from striate.comparing.evaluating import evaluate
from striate.data import Array, Dataset, Labels
from striate.errors import DataError, UserError
from striate.recognizer import Recognizer

TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True)
class Grays:
    """Ten dark and ten bright pictures, and two that are of another class."""

    numbers: Any = field(default_factory=lambda: np.array([0] * 10 + [1] * 10 + [2] * 2))

    def dataset(self, split: Any = TEST) -> Dataset:
        values = np.array([40, 210, 120], np.uint8)[self.numbers]
        pixels = np.repeat(values, 64).reshape(-1, 8, 8)
        parts = np.full(len(pixels), split, np.int8) if isinstance(split, int) else split
        return Dataset(
            "grays", Array(pixels), Labels(("dark", "bright", "gray"), self.numbers), parts
        )


@pytest.fixture
def recognizer(task: Any) -> Callable[..., Recognizer]:
    """`recognizer(128)` calls a picture bright from there on."""

    def make(gray: float, **provenance: Any) -> Recognizer:
        return Recognizer(task, task.predictors["threshold"](gray), ("dark", "bright"), provenance)

    return make


def test_a_class_that_the_recognizer_lacks_is_named_and_not_scored(recognizer):
    found = evaluate({"a": recognizer(128)}, Grays().dataset())
    assert found.unscored == {"gray": 2}
    assert found.notes == ("not scored, because a recognizer lacks the class: gray (2)",)
    value = found.to_json()
    assert (value["model"], value["task"], value["split"]) == ("a", "bright", "test")
    assert (value["examples"], value["score"], value["unscored"]) == (20, 1.0, {"gray": 2})
    assert value["metrics"]["wrong"] == 0.0
    assert value["seconds_per_example"] > 0
    with pytest.raises(DataError, match=r"grays has gray, .* none of that, but dark, bright"):
        evaluate({"a": recognizer(128)}, Grays(np.array([2, 2])).dataset())


def test_several_are_compared_with_the_best_on_the_same_examples(recognizer):
    found = evaluate({"a": recognizer(220), "b": recognizer(128)}, Grays().dataset())
    assert found.best == "b"
    assert found.behind("b") is None
    value, (low, high) = found.behind("a")
    assert value == 0.5
    assert 0 < low < 0.5 < high < 1
    models = found.to_json()["models"]
    assert [each["model"] for each in models] == ["a", "b"]
    assert [each["score"] for each in models] == [0.5, 1.0]
    assert models[0]["behind"] == {"value": value, "interval": [low, high]}
    assert models[1]["behind"] is None


def test_the_part_that_is_scored(recognizer):
    parts = np.array([TRAIN] * 10 + [VALIDATION] * 8 + [TEST] * 2 + [-1] * 2, np.int8)
    data = Grays().dataset(parts)
    one = {"a": recognizer(128)}
    sizes = {
        split: evaluate(one, data, split=split).scores["a"].examples
        for split in (None, "train", "validation", "test", "all")
    }
    assert sizes == {None: 2, "train": 10, "validation": 8, "test": 2, "all": 20}
    without = data.take(np.arange(18))
    found = evaluate(one, without)
    assert (found.split, found.scores["a"].examples) == ("all", 18)
    assert found.notes == ("grays has no test split, so all of it is scored",)
    with pytest.raises(DataError, match="grays: the test split has no example"):
        evaluate(one, without, split="test")


def test_a_test_split_that_was_drawn_is_told(recognizer):
    parts = np.array([TRAIN] * 16 + [TEST] * 4, np.int8)
    data = replace(Grays(np.arange(20) % 2).dataset(parts), drawn=frozenset({"test"}))
    (note,) = evaluate({"a": recognizer(128)}, data).notes
    assert note.startswith("grays has no test split of its own, so 4 of 20 examples were drawn")
    assert evaluate({"a": recognizer(128)}, data, split="all").notes == ()
    known = {"data": {"fingerprint": data.fingerprint(), "learned": data.train.fingerprint()}}
    assert evaluate({"a": recognizer(128, **known)}, data).notes == ()


def test_what_was_learned_from_is_told(recognizer):
    parts = np.array([TRAIN] * 15 + [TEST] * 5, np.int8)
    data = Grays(np.array([0] * 10 + [1] * 10)).dataset(parts)
    learned = data.train.fingerprint()
    known = {"data": {"fingerprint": data.fingerprint(), "learned": learned}}
    assert evaluate({"a": recognizer(128, **known)}, data).notes == ()
    (note,) = evaluate({"a": recognizer(128, **known)}, data, split="all").notes
    assert note.startswith("a learned from this dataset, so its score on all of it")
    other = Grays(np.array([0] * 10 + [1] * 10)).dataset(parts[::-1].copy())
    (note,) = evaluate({"a": recognizer(128, **known)}, other).notes
    assert "a learned from other examples of this dataset than this split says" in note
    assert "--seed" in note
    strange = {"data": {"fingerprint": "another", "learned": "another"}}
    assert evaluate({"a": recognizer(128, **strange)}, data).notes == ()


def test_options_that_the_task_lacks_are_refused_by_name(recognizer, task, monkeypatch):
    data = Grays().dataset()
    monkeypatch.setattr(task, "options", {"evaluate": frozenset({"dense"})})
    evaluate({"a": recognizer(128)}, data, options={"dense": True})
    with pytest.raises(UserError, match="--crops: bright has no such option"):
        evaluate({"a": recognizer(128)}, data, options={"crops": 10})


def test_two_tasks_are_not_compared(recognizer, task):
    class Other(type(task)):
        name = "other"

    other = Recognizer(Other(), recognizer(1).predictor, ("dark", "bright"))
    with pytest.raises(UserError, match="bright and other: evaluate them one by one"):
        evaluate({"a": recognizer(128), "b": other}, Grays().dataset())
