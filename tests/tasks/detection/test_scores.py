"""Scores of detections: numbers, classes by name, intervals, what could not be read."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.errors import DataError
from striate.models.matching import Detections
from striate.tasks.contract import Answered, asked
from striate.tasks.detection.prediction import Answer
from striate.tasks.detection.scores import DetectionScores, scored, validation_metrics


@pytest.fixture
def many(shapes: Dataset[Boxes]) -> Dataset[Boxes]:
    """The twelve pictures, all of them to be tested on."""
    return replace(shapes, split=np.full(len(shapes), 2, np.int8))


def scores_of(predictor, data: Dataset[Boxes], names: tuple[str, ...] | None = None, rows=None):
    answered = asked(predictor, data, rows or range(len(data)))
    return scored(answered, data, data.classes if names is None else names)


def test_everything_found(many, knowing) -> None:
    scores = scores_of(knowing(many, 1.0), many)
    assert isinstance(scores, DetectionScores)
    assert (scores.value, scores.interval, scores.examples) == (1.0, (1.0, 1.0), 12)
    assert scores.seconds > 0
    assert scores.metrics == {
        "map50": 1, "map50_11_points": 1, "coco_ap": 1, "coco_ap50": 1, "coco_ap75": 1,
        "ap50 disc": 1, "ap50 square": 1,
    }  # fmt: skip
    values = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert values["images"] == 12
    count = sum(len(each) for each in many.targets.objects)
    assert values["mistakes"] == {
        "correct": count, "duplicate": 0, "wrong_class": 0, "poor_box": 0, "background": 0,
        "missed": 0,
    }  # fmt: skip
    assert sum(one["objects"] for one in values["classes"]) == count
    assert list(scores.lines()) == [
        "  disc: 100.0 %",
        "  square: 100.0 %",
        f"  from a score of 0.5: {count} correct, 0 duplicate, 0 wrong class, 0 poor box, "
        "0 background, 0 missed",
    ]


def test_half_of_it_found(many, knowing) -> None:
    half, all_ = (scores_of(knowing(many, share), many) for share in (0.5, 1.0))
    assert half.mistakes().missed > 0
    assert 0 < half.value < 1
    low, high = half.interval
    assert low < half.value < high
    low, high = all_.lead(half)
    assert 0 < low < 1 - half.value < high
    assert half.threshold == 1.0


def test_a_class_without_objects_has_no_score(many, knowing) -> None:
    data = replace(many, targets=replace(many.targets, names=("disc", "square", "star")))
    scores = scores_of(knowing(many, 1.0), data)
    assert scores.value == 1.0
    assert np.isnan(scores.metrics["ap50 star"])
    values = json.loads(json.dumps(scores.to_json(), allow_nan=False))
    assert values["metrics"]["ap50 star"] is None
    assert values["classes"][2] == {"name": "star", "objects": 0, "ap50": None}
    assert not any("star" in line for line in scores.lines())
    assert "ap50 star" not in validation_metrics(scores.found, scores.truth, data.classes)


def test_classes_are_compared_by_name(many, knowing) -> None:
    class Renamed(knowing):
        """The same, its classes in another order, with one more in front."""

        def predict(self, batch):
            return [
                Answer(replace(one.detections, classes=2 - one.detections.classes), *one[1:])
                for one in super().predict(batch)
            ]

    predictor = Renamed(many, 1.0)
    assert scores_of(predictor, many, ("star", "square", "disc")).value == 1.0
    less = scores_of(predictor, many, ("star", "square", "circle"))  # it has no discs
    assert less.unknown == ("disc",)
    assert less.average_precisions == {"disc": 0.0, "square": 1.0}
    assert list(less.lines())[-1] == "  not among its classes: disc"
    with pytest.raises(DataError, match="none of the classes a, b, c, only disc, square"):
        scores_of(predictor, many, ("a", "b", "c"))


def test_unreadable_pictures_are_named(many, knowing) -> None:
    predictor = knowing(many, 1.0)
    many.inputs.path(3).write_text("not a picture")  # type: ignore[union-attr]
    scores = scores_of(predictor, many)
    assert [name for name, _ in scores.broken] == [many.inputs.name(3)]
    assert scores.examples == len(scores.rows) == len(many) - 1
    assert 3 not in scores.rows


def test_nothing_is_found(many) -> None:
    empty = Detections(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long), torch.zeros(0))
    answered = Answered((0, 1), (Answer(empty, 90, 120),) * 2, 0.1)
    scores = scored(answered, many, many.classes)
    assert scores.value == 0.0
    assert scores.threshold == 0.5
