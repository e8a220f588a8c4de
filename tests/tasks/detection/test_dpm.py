"""DPM as a finder: learned from squares and discs, kept, calibrated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from striate.data.boxes import BoxedDataset, Objects, whole
from striate.data.dataset import TRAIN
from striate.errors import DataError
from striate.handcrafted.deformable import Component
from striate.handcrafted.deformable_learning import Settings
from striate.handcrafted.pyramid import DEPTH
from striate.models.matching import Detections
from striate.tasks.detection import METHODS, Comparison, Detector, Outcome, dpm, measured
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.dpm import calibrated, chosen, learn
from striate.tasks.detection.dpm_finder import DPMFinder, chances

FEW = Settings(roots=2, parts=1, part_count=2, cells=(9, 16), negatives=200)


def found(scores: list[float], boxes: list[list[float]]) -> Detections:
    classes = torch.zeros(len(scores), dtype=torch.int64)
    return Detections(torch.tensor(boxes).reshape(-1, 4), classes, torch.tensor(scores))


def marked(boxes: list[list[float]]) -> Objects:
    count = len(boxes)
    array = np.array(boxes, np.float32).reshape(-1, 4)
    return Objects(array, np.zeros(count, np.int64), np.zeros(count, bool), np.zeros(count, bool))


@pytest.fixture
def outcome(shapes: BoxedDataset) -> Learned:
    return learn(shapes, Ask(seed=3), settings=FEW)


def test_learned_from_a_folder_and_kept(shapes: BoxedDataset, outcome: Learned) -> None:
    assert list(outcome.seconds) == ["features", "learn", "validate"]
    assert outcome.validation is not None
    assert set(outcome.validation) == {"map50", "ap50 disc", "ap50 square"}
    assert all("is found by its root alone" in note for note in outcome.notes)
    row = int(np.flatnonzero([len(each) == 2 for each in shapes.objects])[0])
    one = outcome.finder.find(whole(shapes.images, row))
    assert len(one.boxes) > 0
    assert bool((one.scores.diff() <= 0).all())
    assert bool(((one.scores >= 0) & (one.scores <= 1)).all())
    again = DPMFinder.restored(outcome.finder.tensors(), outcome.finder.header(), 2)
    assert torch.equal(again.find(whole(shapes.images, row)).boxes, one.boxes)
    assert again.parameters == outcome.finder.parameters > 0


def test_a_class_without_an_example_has_its_place(shapes: BoxedDataset) -> None:
    one = replace(shapes, classes=(*shapes.classes, "star"))
    learned = learn(one, Ask(), settings=replace(FEW, roots=1, part_count=0))
    assert len(learned.finder.tensors()["calibration"]) == 3


def test_a_set_with_nothing_marked(shapes: BoxedDataset) -> None:
    nothing = tuple(each.take(np.zeros(len(each), bool)) for each in shapes.objects)
    with pytest.raises(DataError, match="nothing is marked in its training images"):
        learn(replace(shapes, objects=nothing), Ask(), settings=FEW)


def test_only_difficult_things_are_nothing_to_learn_from(shapes: BoxedDataset) -> None:
    hard = tuple(replace(o, difficult=np.ones(len(o), bool)) for o in shapes.objects)
    with pytest.raises(DataError, match="nothing is marked"):
        learn(replace(shapes, objects=hard), Ask(), settings=FEW)


def test_little_memory_is_told_of(shapes: BoxedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dpm, "MEMORY", 100_000)
    learned = learn(shapes, Ask(), settings=replace(FEW, roots=1, part_count=0))
    count = int((shapes.split == TRAIN).sum())
    assert any(note.endswith(f"of {count} training images: memory") for note in learned.notes)


def test_scores_become_chances() -> None:
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
    both = chances(calibration, found([1.0, -1.0], thing * 2))
    torch.testing.assert_close(both, torch.tensor([0.75, 0.25]), atol=0.01, rtol=0)


def test_a_class_with_little_to_go_by_is_as_the_others() -> None:
    thing = [[0.0, 0.0, 10.0, 10.0]]
    detections = [found([1.0], thing), found([-1.0], [[50.0, 50.0, 60.0, 60.0]])] * 20
    calibration = calibrated(detections, [marked(thing)] * 40, 3)
    assert torch.equal(calibration[0], calibration[1])
    assert float(calibration[0, 0]) > 0.1
    assert bool(calibrated([], [], 2).isfinite().all())


def test_parts_stay_where_they_help() -> None:
    # Two classes: the first is found by the root alone, the second only with parts; a third was
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
    assert notes[0].startswith("a is found by its root alone: on validation its average precision")
    assert notes[1:] == ["no place of a root covers a c: it is never found"]


def test_the_report_shows_what_parts_look_for(shapes: BoxedDataset, tmp_path: Path) -> None:
    learned = learn(shapes, Ask(), settings=replace(FEW, roots=1, part_count=0))
    rows = np.flatnonzero(shapes.split == 2).tolist()
    seen = measured(learned.finder, shapes, rows)
    detector = Detector(learned.finder, shapes.classes)
    outcome = Outcome("dpm", METHODS["dpm"], detector, learned, seen)
    page = Comparison(shapes, (outcome,)).report(tmp_path / "report.html").read_text()
    assert page.count("roots, parts and costs of the part models") == 1
