"""Sets with boxes: rows, strata, counts, words, doubts."""

from dataclasses import replace

import numpy as np
import pytest

from striate.data import Boxes, Dataset
from striate.data.boxes import Mark, mended
from striate.data.dataset import Array


def some() -> Dataset[Boxes]:
    marks = [Mark("b", (0, 0, 4, 4)), Mark("a", (1, 1, 9, 9), difficult=True)]
    one, doubts = mended(marks, {"a": 0, "b": 1}, (10, 10), "x")
    none, _ = mended([], {}, (10, 10), "y")
    assert not doubts
    return Dataset(
        name="some",
        inputs=Array(np.zeros((3, 10, 10, 3), np.uint8)),
        targets=Boxes(("a", "b"), (one, none, one), np.full((3, 2), 10)),
        split=np.array([0, 0, 2], np.int8),
    )


def test_rows_and_counts() -> None:
    data = some()
    assert data.targets.strata().tolist() == [0, 2, 0]
    assert data.counts().tolist() == [[0, 0, 0], [1, 0, 1]]  # the difficult one is not owed
    assert [len(each) for each in data.train.targets.objects] == [2, 0]
    assert data.take([2, 1]).targets.objects[0] is data.targets.objects[2]
    assert data.targets.objects[0].take([1]).difficult.tolist() == [True]
    assert data.fingerprint() != data.take([1, 0]).fingerprint()
    assert data.complete(0).drawn == {"validation"}
    assert data.classes == ("a", "b")
    with pytest.raises(ValueError, match="2 lists of objects"):
        replace(data.targets, objects=data.targets.objects[:2])


def test_words_and_keys() -> None:
    targets = some().targets
    assert [targets.words(row) for row in range(3)] == ["1 a, 1 b", "nothing", "1 a, 1 b"]
    assert targets.key(0) == targets.key(2) != targets.key(1)
    assert targets.single() is None
    easy = replace(targets.objects[0], difficult=np.zeros(2, bool))
    assert replace(targets, objects=(easy,) * 3).mark(0) != targets.mark(0) == targets.mark(2)
    assert targets.facts(np.array([0, 0, 2])).values["nothing_marked"] == 1
    assert Boxes((), (), np.zeros((0, 2), int)).counts(np.zeros(0, np.int8)).shape == (0, 3)


@pytest.mark.parametrize(("sound", "pressing"), [(98, ["outside", "tiny"]), (99, ["outside"])])
def test_a_few_tiny_boxes_are_not_pressing(sound: int, pressing: list[str]) -> None:
    marks = [Mark("a", (0, 2 * k, 9, 2 * k + 5)) for k in range(sound)]
    marks += [Mark("a", (0, 0, 1, 9)), Mark("a", (5, 500, 20, 510))]
    objects, doubts = mended(marks, {"a": 0}, (600, 10), "x")
    targets = Boxes(("a",), (objects,), np.array([[600, 10]]), tuple(doubts))
    assert [doubt.kind for doubt in targets.doubts] == ["tiny", "outside"]
    assert sorted(doubt.kind for doubt in targets.pressing) == pressing
    faults = targets.facts(np.zeros(1, np.int8)).faults
    assert any("hardly a pixel" in fault for fault in faults) == ("tiny" in pressing)


def test_broken_boxes() -> None:
    marks = [
        Mark("a", (-5, 2, 4, 8)), Mark("a", (3, 3, 3, 8)), Mark("a", (20, 0, 30, 5)),
        Mark("a", (1, 1, 9, 9)), Mark("a", (1, 1, 9, 9)), Mark("a", (1, 1, 2, 9)),
        Mark("a", (0, 0, 10.5, 9)),
    ]  # fmt: skip
    objects, doubts = mended(marks, {"a": 0}, (10, 10), "x")
    assert [each.kind for each in doubts] == ["outside", "empty", "outside", "repeated", "tiny"]
    assert objects.boxes.tolist() == [[0, 2, 4, 8], [1, 1, 9, 9], [1, 1, 2, 9], [0, 0, 10, 9]]
    assert doubts[0].box == (-5, 2, 4, 8)
    assert "cut off" in doubts[0].text
