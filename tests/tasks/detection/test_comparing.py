"""Which detector to take, and why: the sentence follows from the table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset
from striate.errors import DataError
from striate.models.matching import Detections
from striate.tasks.detection import (
    METHODS,
    Comparison,
    Detector,
    Learned,
    Outcome,
    comparing,
    measured,
)


class Told:
    """A finder that knows the truth by the bytes of a picture, and tells a share of it."""

    kind, parameters = "told", 7

    def __init__(self, data: BoxedDataset, share: float):
        self.known = {data.images[row].tobytes(): row for row in range(len(data))}
        self.data, self.share = data, share

    def find(self, pixels: np.ndarray) -> Detections:
        row = self.known[pixels.tobytes()]
        objects = self.data.objects[row]
        kept = np.random.default_rng(row).random(len(objects)) < self.share
        boxes = torch.from_numpy(objects.boxes[kept])
        return Detections(boxes, torch.from_numpy(objects.classes[kept]), torch.ones(len(boxes)))

    def tensors(self) -> dict:
        return {"share": torch.tensor(self.share)}

    def header(self) -> dict:
        return {}


def outcome(name: str, data: BoxedDataset, share: float, seconds: float) -> Outcome:
    finder = Told(data, share)
    found = measured(finder, data, range(len(data)))
    learned = Learned(finder, {"learn": 2.0, "choose": 1.0}, notes=("<b>",))
    detector = Detector(finder, data.classes)
    method = replace(METHODS["faster_rcnn"], title=name.upper())
    return Outcome(name, method, detector, learned, replace(found, seconds=seconds))


@pytest.fixture
def many(shapes: BoxedDataset) -> BoxedDataset:
    """The twelve pictures, all of them to be tested on."""
    return replace(shapes, split=np.full(len(shapes), 2, np.int8))


def test_a_clear_lead_is_taken_and_said(many: BoxedDataset) -> None:
    right, blind = outcome("right", many, 1.0, 9.0), outcome("blind", many, 0.0, 1.0)
    both = Comparison(many, (blind, right))
    assert [row.map50 for row in both.rows] == [0.0, 1.0]
    assert both.rows[1].learning == 3.0
    assert both.best is right
    assert both.advice.startswith("RIGHT is 100.0 points of mean average precision ahead of BLIND")
    assert both.advice.endswith("take it.")
    assert "level" not in both.advice
    assert Comparison(many, (right,)).best is right


def test_of_level_ones_the_fastest_is_taken(many: BoxedDataset) -> None:
    slow, quick = outcome("slow", many, 1.0, 9.0), outcome("quick", many, 1.0, 1.0)
    both = Comparison(many, (slow, quick))
    assert both.best is quick
    assert "9.0 times as fast" in both.advice
    other = Comparison(many, (quick, slow))
    assert other.best is quick
    assert "nothing as good is as fast" in other.advice


def test_the_page_and_the_numbers(many: BoxedDataset, tmp_path: Path) -> None:
    half, right = outcome("half", many, 0.5, 1.0), outcome("right", many, 1.0, 2.0)
    both = Comparison(many, (half, right))
    page = both.report(tmp_path / "report.html").read_text()
    assert page.count("&lt;b&gt;</li>") == 2  # a note of each, escaped
    assert page.count("<polyline") == 2 * len(many.classes)
    assert page.count("<img") == 6
    value = both.to_json()
    (one, other) = value["methods"]
    assert other["mistakes"] == {
        "right": sum(len(each) for each in many.objects),
        "double": 0, "wrong_class": 0, "poor_box": 0, "nothing": 0, "missed": 0,
    }  # fmt: skip
    assert one["mistakes"]["missed"] > 0
    assert other["coco_ap"] == 1.0
    assert value["best"] == "right"


def test_what_cannot_be_compared_is_told_before_any_work(shapes: BoxedDataset) -> None:
    with pytest.raises(DataError, match="at least one method"):
        next(comparing(shapes, methods=[]))
    nowhere = replace(shapes, split=np.where(shapes.split == 2, 0, shapes.split))
    with pytest.raises(DataError, match="no test image"):
        next(comparing(nowhere, methods=["faster_rcnn"]))


def test_threshold_and_unreadable_pictures(many: BoxedDataset) -> None:
    finder = Told(many, 1.0)
    many.images.path(3).write_text("no picture")  # type: ignore[union-attr]
    found = measured(finder, many, range(len(many)))
    assert [name for name, _ in found.broken] == [many.images.name(3)]
    assert len(found.rows) == len(many) - 1
    assert found.threshold == 1.0
    swapped = measured(finder, many, [1, 2], numbers=[1, -1])
    assert {int(c) for one in swapped.found for c in one.classes} <= {1}
