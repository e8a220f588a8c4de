"""Deformable part models learned from squares and discs, kept, calibrated."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes, Objects, whole
from striate.data.dataset import TRAIN
from striate.errors import DataError
from striate.handcrafted.deformable import Component
from striate.handcrafted.deformable_learning import Settings
from striate.handcrafted.pyramid import DEPTH
from striate.models.matching import Detections
from striate.tasks.contract import Ask, Learned
from striate.tasks.detection.dpm import method
from striate.tasks.detection.dpm.method import calibrated, chosen, learn
from striate.tasks.detection.dpm.predictor import DPMPredictor, probabilities

FEW = Settings(roots=2, parts=1, part_count=2, cells=(9, 16), negatives=200)


def found(scores: list[float], boxes: list[list[float]]) -> Detections:
    classes = torch.zeros(len(scores), dtype=torch.int64)
    return Detections(torch.tensor(boxes).reshape(-1, 4), classes, torch.tensor(scores))


def marked(boxes: list[list[float]]) -> Objects:
    count = len(boxes)
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return Objects(array, np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool))


@pytest.fixture
def outcome(shapes: Dataset[Boxes]) -> Learned:
    return learn(shapes, Ask(seed=3), settings=FEW)


def test_learned_from_a_folder_and_kept(shapes: Dataset[Boxes], outcome: Learned) -> None:
    assert list(outcome.seconds) == ["features", "learn", "validate"]
    assert set(outcome.validation) == {"map50", "ap50 disc", "ap50 square"}
    assert all("is detected by its root alone" in note for note in outcome.notes)
    row = int(np.flatnonzero([len(each) == 2 for each in shapes.targets.objects])[0])
    predictor = outcome.predictor
    assert isinstance(predictor, DPMPredictor)
    one = predictor.detections(whole(shapes.inputs, row))
    assert len(one.boxes) > 0
    assert bool((one.scores.diff() <= 0).all())
    assert bool(((one.scores >= 0) & (one.scores <= 1)).all())
    again = DPMPredictor.restored(predictor.tensors(), predictor.header(), shapes.classes)
    assert torch.equal(again.detections(whole(shapes.inputs, row)).boxes, one.boxes)
    assert again.parameters == predictor.parameters > 0


def test_a_class_without_an_example_has_its_place(shapes: Dataset[Boxes]) -> None:
    one = replace(shapes, targets=replace(shapes.targets, names=(*shapes.classes, "star")))
    learned = learn(one, Ask(), settings=replace(FEW, roots=1, part_count=0))
    assert len(learned.predictor.tensors()["calibration"]) == 3


def test_a_set_with_nothing_marked(shapes: Dataset[Boxes]) -> None:
    nothing = tuple(each.take(np.zeros(len(each), bool)) for each in shapes.targets.objects)
    data = replace(shapes, targets=replace(shapes.targets, objects=nothing))
    with pytest.raises(DataError, match="nothing is marked in its training images"):
        learn(data, Ask(), settings=FEW)


def test_only_difficult_objects_are_nothing_to_learn_from(shapes: Dataset[Boxes]) -> None:
    hard = tuple(replace(o, difficult=np.ones(len(o), bool)) for o in shapes.targets.objects)
    with pytest.raises(DataError, match="nothing is marked"):
        learn(replace(shapes, targets=replace(shapes.targets, objects=hard)), Ask(), settings=FEW)


def test_little_memory_is_noted(shapes: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(method, "MEMORY", 100_000)
    learned = learn(shapes, Ask(), settings=replace(FEW, roots=1, part_count=0))
    count = int((shapes.split == TRAIN).sum())
    words = f"of {count} training images: memory holds no more"
    assert any(words in note for note in learned.notes)


def test_scores_become_probabilities() -> None:
    # At 1 three of four are right, at -1 one of four: the line goes through log 3 and -log 3,
    # a little less with Platt's targets.
    thing, empty = [[0.0, 0.0, 10.0, 10.0]], [[50.0, 50.0, 60.0, 60.0]]
    detections, truth = [], []
    for score, boxes in (
        [(1.0, thing)] * 90 + [(1.0, empty)] * 30 + [(-1.0, thing)] * 30 + [(-1.0, empty)] * 90
    ):
        detections.append(found([score], boxes))
        truth.append(marked(thing))
    calibration = calibrated(detections, truth, 1)
    both = probabilities(calibration, found([1.0, -1.0], thing * 2))
    torch.testing.assert_close(both, torch.tensor([0.75, 0.25]), atol=0.01, rtol=0)


def test_a_class_with_few_detections_is_as_the_others() -> None:
    thing = [[0.0, 0.0, 10.0, 10.0]]
    detections = [found([1.0], thing), found([-1.0], [[50.0, 50.0, 60.0, 60.0]])] * 20
    calibration = calibrated(detections, [marked(thing)] * 40, 3)
    assert torch.equal(calibration[0], calibration[1])
    assert float(calibration[0, 0]) > 0.1
    assert bool(calibrated([], [], 2).isfinite().all())


def test_parts_stay_where_they_help() -> None:
    # Two classes: the first is detected by the root alone, the second only with parts; a third was
    # covered nowhere.
    boxes = [[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 40.0, 40.0]]
    truth = [replace(marked(boxes), classes=np.array([0, 1]))]
    first, second = (Component(k, torch.ones(DEPTH, 3, 3), 0.0, (9.0, 9.0)) for k in (0, 1))
    empty = Component(2, torch.zeros(DEPTH, 3, 3), 0.0, (9.0, 9.0))
    with_parts = [replace(one, bias=1.0) for one in (first, second)]
    by_root = [found([0.5, 0.4], [boxes[0], [60.0, 60.0, 70.0, 70.0]])]
    by_parts = [found([0.7], [boxes[1]])]
    by_parts[0].classes[:] = 1
    notes: list[str] = []
    models, best = chosen(
        ["a", "b", "c"],
        [[first, second, empty], [*with_parts, empty]],
        [by_root, by_parts],
        truth,
        notes,
    )
    assert [(one.kind, one.bias) for one in models] == [(0, 0.0), (1, 1.0)]
    assert best[0].classes.tolist() == [0, 0, 1]
    assert notes[0].startswith("a is detected by its root alone: on validation its average")
    assert notes[1:] == ["no place of a root covers a c: it is never detected"]
