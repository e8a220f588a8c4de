"""YOLO from a folder: its grid, what it learns, what is stored."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes
from striate.data.splits import TRAIN
from striate.errors import ModelError
from striate.inference import on_device
from striate.models.yolo import Connected
from striate.tasks.contract import Ask
from striate.tasks.detection.yolo.method import RECIPE, grid_for, learn, shared
from striate.tasks.detection.yolo.predictor import YOLOPredictor

QUICK = RECIPE.but(batch_size=8)
FRESH = Ask(weights=None, epochs=1)


def placed(data: Dataset[Boxes], *boxes: tuple[float, float, float, float]) -> Dataset[Boxes]:
    """The set with these boxes in each of its images of 120 x 90 pixels."""
    marked = replace(
        data.targets.objects[0],
        boxes=np.array(boxes, np.float32),
        classes=np.zeros(len(boxes), np.int64),
        difficult=np.zeros(len(boxes), bool),
        crowd=np.zeros(len(boxes), bool),
    )
    return replace(data, targets=replace(data.targets, objects=(marked,) * len(data)))


def test_boxes_that_share_a_cell(shapes: Dataset[Boxes]) -> None:
    # centers (31, 10), (36, 10), (119, 89): of 4 x 4 cells of 30 x 22.5 pixels two share one
    data = placed(shapes, (21, 0, 41, 20), (26, 0, 46, 20), (118, 88, 120, 90))
    assert shared(data, 4) == pytest.approx(2 / 3)
    assert shared(data, 7) == pytest.approx(0)  # of 17.1 pixels; 31 and 36 lie on both sides of 34
    hard = replace(data.targets.objects[0], difficult=np.array([True, False, False]))
    assert shared(replace(data, targets=replace(data.targets, objects=(hard,) * len(data))), 4) == 0


def test_the_grid_is_the_published_one_unless_boxes_share_cells(shapes: Dataset[Boxes]) -> None:
    apart = placed(shapes, (0, 0, 20, 20), (60, 0, 80, 20))
    close = placed(shapes, (1, 1, 7, 7), (5, 1, 20, 7))
    assert (grid_for(apart), grid_for(close)) == (7, 14)
    assert (grid_for(apart, 128), grid_for(close, 128)) == (2, 4)


def test_learned_stored_and_used(shapes: Dataset[Boxes]) -> None:
    learned = learn(shapes, FRESH, recipe=QUICK, side=128)
    assert list(learned.seconds) == ["decode", "learn"]
    assert {"map50", "ap50 disc", "ap50 square"} == set(learned.validation)
    assert learned.network == "efficientnet_lite0"
    note, low = learned.notes
    assert "0.3" in low
    assert note.startswith("2 x 2 cells; 0.0% of the training boxes share")
    one = learned.predictor
    assert isinstance(one, YOLOPredictor)
    assert all(p.requires_grad for p in one.model.parameters())  # random weights: all learn
    header = json.loads(json.dumps(one.header()))
    again = YOLOPredictor.restored(one.tensors(), header, shapes.classes)
    with torch.no_grad():  # so that something is detected and can be compared
        for predictor in (one, again):
            predictor.model.detecting[-1].last.bias[[4, 9]] = 0.5  # type: ignore[union-attr,index]
    prepared = one.prepare(shapes.inputs[1])
    first, second = (each.predict([prepared])[0].detections for each in (one, again))
    assert len(first.boxes)
    assert torch.equal(first.boxes, second.boxes)
    assert torch.equal(first.scores, second.scores)
    assert (first.boxes >= 0).all()
    assert (first.boxes <= torch.tensor([120, 90, 120, 90])).all()


def test_a_class_without_examples_and_images_without_objects(shapes: Dataset[Boxes]) -> None:
    objects = tuple(
        each.take(each.classes == 0) if split == TRAIN else each
        for each, split in zip(shapes.targets.objects, shapes.split.tolist(), strict=True)
    )
    data = replace(shapes, targets=replace(shapes.targets, objects=objects))
    learned = learn(data, FRESH, recipe=QUICK, side=64, grid=2)
    assert 0 <= learned.validation["map50"] <= 1


def test_full_connections_learn_too(shapes: Dataset[Boxes]) -> None:
    learned = learn(shapes, FRESH, recipe=QUICK, side=64, grid=3, connected=True, width=8)
    assert isinstance(learned.predictor, YOLOPredictor)
    assert isinstance(learned.predictor.model.detecting[-1], Connected)  # type: ignore[index]


@pytest.mark.parametrize("grid", [None, 1])
def test_the_papers_networks_come_with_the_papers_layers(
    shapes: Dataset[Boxes], grid: int | None
) -> None:
    ask = replace(FRESH, network="fast_yolo", seconds=0)  # one step
    learned = learn(shapes, ask, recipe=QUICK, side=64, grid=grid)
    assert learned.network == "fast_yolo"
    assert isinstance(learned.predictor, YOLOPredictor)
    one = learned.predictor.architecture
    assert (one["grid"], one["connected"], one["width"]) == (1, True, 1024)
    last = learned.predictor.model.detecting[-1]  # type: ignore[index]
    assert isinstance(last, Connected)
    assert last.last.in_features == 4096
    assert last.last.out_features == 2 * 5 + 2


def test_a_network_that_memory_has_no_room_for_is_not_built(
    shapes: Dataset[Boxes], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = SimpleNamespace(available=4 * 10**9)
    monkeypatch.setattr("striate.tasks.detection.steps.psutil.virtual_memory", lambda: room)
    # 24 convolutions, 7 x 7 x 1024 to 4096 to 7 x 7 x 12: 268.1 million numbers, each with a
    # gradient, two averages of AdamW and the best so far: 20 bytes
    with (
        pytest.raises(ModelError, match=r"268 million parameters take 5\.4 GB .* has 4\.0 GB"),
        on_device("cpu"),
    ):
        learn(shapes, replace(FRESH, network="yolo"))
