"""One input, one answer: alone or among many, readable or not."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from striate.errors import (
    InputError,
    ModelError,
    UnknownName,
)
from striate.inference.reading import AHEAD
from striate.recognizer import Recognizer


def test_arrays_and_files(ours: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "three.txt"
    path.write_text("3")
    found = ours([path, np.float64(3), str(path)])
    assert found[0].values == {"pound": 3.5, "stone": 6.5, "<script>": -2.5}
    assert [one.values for one in found[1:]] == [found[0].values] * 2
    assert [one.name for one in found] == [str(path), "input 1", str(path)]
    assert found[0].to_json() == {"path": str(path), "values": found[0].values}


def test_order_whatever_the_batch(ours: Recognizer) -> None:
    for size in (1, 3, 7, 40):
        found = ours([np.float64(k) for k in range(40)], batch_size=size)
        assert [one.name for one in found] == [f"input {number}" for number in range(40)]
        assert [one.values["pound"] for one in found] == [k + 0.5 for k in range(40)]


def test_inputs_that_cannot_be_read_stay_in_their_place(ours: Recognizer, tmp_path: Path) -> None:
    found = ours([np.float64(1), tmp_path / "absent.txt", "x", np.float64(2)], batch_size=2)
    assert [one.error for one in found] == [
        None, "not a number (FileNotFoundError)", "not a number (FileNotFoundError)", None,
    ]  # fmt: skip
    assert [one.values for one in found[1:3]] == [(), ()]
    assert [one.values["pound"] for one in (found[0], found[3])] == [1.5, 2.5]
    assert found[1].to_json() == {"path": found[1].name, "error": found[1].error}
    assert [one.error is None for one in ours([tmp_path, "y"])] == [False] * 2


def test_a_notebook_shows_what_it_is(ours: Recognizer) -> None:
    nasty = {"method": "<b>", "data": {"name": "<script>alert(1)</script>"}, "history": [1]}
    shown = ours.with_provenance(**nasty)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<td>method</td><td" in shown
    assert "&lt;b&gt;" in shown
    assert ours.task.title in shown


@pytest.mark.parametrize("given", [[], {}, "x", 1, None, {"value": "x", "interval": [1, 2]}])
def test_a_notebook_shows_files_of_any_provenance(given: Any, ours: Recognizer) -> None:
    assert "weigher" in ours.with_provenance(method=given, data=given, test=given)._repr_html_()


def test_nothing_in_nothing_out(ours: Recognizer) -> None:
    assert ours([]) == []
    with pytest.raises(ModelError, match="no inputs"):
        ours.features([])


@pytest.mark.parametrize("one", ["cat.jpg", b"bytes", Path("cat.jpg")])
def test_one_input_is_not_a_list(one: Any, ours: Recognizer) -> None:
    with pytest.raises(TypeError, match="give a list of inputs, not one"):
        ours(one)


def test_any_number_of_inputs_is_read_bit_by_bit(ours: Recognizer) -> None:
    taken = 0

    def endless() -> Iterator[Any]:
        nonlocal taken
        while True:
            taken += 1
            yield np.float64(taken)

    answers = ours.predict(endless(), batch_size=5)
    assert taken == 0
    for number in range(60):
        next(answers)
        assert taken <= (number // 5 + AHEAD) * 5
    answers.close()


def test_memory_is_bounded_where_inputs_are_large(ours: Recognizer) -> None:
    """`largest_batch` is less than what the caller asks for."""
    sizes: list[int] = []
    ours.predictor.largest_batch = 2
    predict = ours.predictor.predict
    ours.predictor.predict = lambda batch: sizes.append(len(batch)) or predict(batch)
    ours([np.float64(k) for k in range(5)], batch_size=64)
    assert sizes == [2, 2, 1]


def test_a_caller_who_stops_early_leaves_no_work_behind(ours: Recognizer) -> None:
    threads, read = threading.active_count(), Counter[str]()
    prepare = ours.predictor.prepare

    def slow(item: Any) -> float:
        read["inputs"] += 1
        time.sleep(0.01)
        return prepare(item)

    ours.predictor.prepare = slow
    answers = ours.predict([np.float64(1)] * 10_000, batch_size=8)
    next(answers)
    answers.close()
    assert threading.active_count() == threads
    assert read["inputs"] <= 8 * AHEAD


def test_features(ours: Recognizer, tmp_path: Path) -> None:
    found = ours.features([np.float64(k) for k in range(7)], batch_size=3)
    assert found.shape == (7, 3)
    assert found[:, 0].tolist() == [k + 0.5 for k in range(7)]
    with pytest.raises(InputError, match=r"absent\.txt: not a number"):
        ours.features([np.float64(1), tmp_path / "absent.txt"])
    each = dict(ours.each_features([np.float64(1), tmp_path / "absent.txt"]))
    assert each["input 0"].tolist() == [1.5, 2.5, -0.5]
    assert isinstance(each[str(tmp_path / "absent.txt")], InputError)
    with pytest.raises(UnknownName, match="no layer is called 'fc7'"):
        ours.features([np.float64(1)], layer="fc7")
