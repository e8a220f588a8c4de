"""DPM as a finder: learned from squares and discs, kept in a file, refused where damaged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.data.boxes import BoxedDataset, Objects
from striate.data.dataset import TRAIN
from striate.errors import DataError
from striate.handcrafted.deformable import Component
from striate.handcrafted.deformable_learning import Settings
from striate.handcrafted.pyramid import DEPTH
from striate.models.matching import Detections
from striate.tasks.detection import dpm
from striate.tasks.detection.asking import Ask, Learned
from striate.tasks.detection.dpm import DPMFinder, calibrated, chances, learn
from striate.tasks.detection.pictures import whole

FEW = Settings(roots=2, parts=1, part_count=2, cells=(9, 16), negatives=200)


def component(kind: int = 0, parts: int = 2) -> Component:
    return Component(
        kind,
        torch.randn(DEPTH, 3, 4),
        0.5,
        (20.0, 40.0),
        torch.randn(parts, DEPTH, 3, 3),
        torch.tensor([[0, 0], [5, 3]])[:parts],
        torch.tensor([0.0, 0.0, 0.1, 0.1]).repeat(parts, 1),
        torch.zeros(4, 1 + 2 * parts),
    )


def finder() -> DPMFinder:
    return DPMFinder(
        (component(0), component(1, 0)), torch.tensor([[2.0, 0.5], [1.0, -1.0]]).double()
    )


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
    assert list(outcome.seconds) == ["features", "learn", "calibrate"]
    assert outcome.validation is not None
    assert set(outcome.validation) == {"map50", "ap50 disc", "ap50 square"}
    assert outcome.notes == ()
    row = int(np.flatnonzero([len(each) == 2 for each in shapes.objects])[0])
    one = outcome.finder.find(whole(shapes.images, row))
    assert len(one.boxes) > 0
    assert bool((one.scores.diff() <= 0).all())
    assert bool(((one.scores >= 0) & (one.scores <= 1)).all())
    again = DPMFinder.restored(outcome.finder.tensors(), outcome.finder.header(), 2)
    assert torch.equal(again.find(whole(shapes.images, row)).boxes, one.boxes)
    assert again.parameters == outcome.finder.parameters > 0


def test_a_class_without_an_example_is_told_of(shapes: BoxedDataset) -> None:
    one = replace(shapes, classes=(*shapes.classes, "star"))
    learned = learn(one, Ask(), settings=replace(FEW, roots=1, part_count=0))
    assert learned.notes == ("star has no training example: it is never found",)
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


@pytest.mark.parametrize("size", [(1, 1), (1, 1000), (20, 20), (700, 9), (64, 64)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    one = finder().find(pixels)
    assert one.boxes.shape == (len(one.scores), 4)
    assert bool((one.boxes >= 0).all())
    assert bool((one.boxes[:, 2] <= size[1]).all())
    assert bool((one.boxes[:, 3] <= size[0]).all())


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


def damaged(header: dict[str, Any], tensors: dict[str, Tensor], name: str, value: object) -> None:
    if name in tensors or isinstance(value, Tensor):
        tensors[name] = value  # type: ignore[assignment]
    else:
        header["components"][0][name] = value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", 2),
        ("kind", -1),
        ("kind", True),
        ("kind", "0"),
        ("bias", float("nan")),
        ("bias", 10**400),
        ("bias", None),
        ("sides", [0.0, 40.0]),
        ("sides", [50.0, 40.0]),
        ("sides", [1.0, float("inf")]),
        ("sides", [20.0]),
        ("calibration", torch.zeros(3, 2).double()),
        ("calibration", torch.zeros(2, 2)),
        ("calibration", torch.full((2, 2), torch.nan).double()),
        ("0.root", torch.zeros(DEPTH, 3)),
        ("0.root", torch.zeros(DEPTH, 1, 1)),
        ("0.root", torch.zeros(DEPTH, 3, 65)),
        ("0.root", torch.zeros(DEPTH, 0, 3)),
        ("0.root", torch.zeros(31, 3, 4)),
        ("0.root", torch.full((DEPTH, 3, 4), torch.inf)),
        ("0.parts", torch.zeros(())),
        ("0.parts", torch.zeros(2, DEPTH, 3, 4)),
        ("0.parts", torch.zeros(2, DEPTH, 7, 7)),
        ("0.parts", torch.zeros(65, DEPTH, 1, 1)),
        ("0.parts", torch.zeros(2, DEPTH, 0, 0)),
        ("0.costs", torch.zeros(2, 4)),
        ("0.costs", torch.zeros(1, 4)),
        ("0.anchors", torch.tensor([[0, 0], [6, 3]])),
        ("0.anchors", torch.tensor([[0, -1], [5, 3]])),
        ("0.anchors", torch.tensor([[0.0, 0.0], [5.0, 3.0]])),
        ("0.outline", torch.zeros(4, 4)),
        ("0.outline", torch.full((4, 5), torch.nan)),
        ("2.root", torch.zeros(1)),
    ],
)
def test_damaged_files_are_refused(name: str, value: object) -> None:
    tensors, header = finder().tensors(), finder().header()
    DPMFinder.restored(tensors, header, 2)
    damaged(header, tensors, name, value)
    with pytest.raises((ValueError, LookupError, TypeError, RuntimeError)) as caught:
        DPMFinder.restored(tensors, header, 2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "header", [{}, {"components": None}, {"components": [3, 4]}, {"components": []}]
)
def test_headers_of_something_else_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        DPMFinder.restored(finder().tensors(), header, 2)
