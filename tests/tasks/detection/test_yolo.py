"""YOLO from a folder: its grid, what it learns, what is stored, and files that ask for too much."""

import functools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.data.boxes import BoxedDataset
from striate.data.dataset import TRAIN
from striate.errors import StriateError
from striate.models.yolo import Connected
from striate.tasks.detection.asking import Ask
from striate.tasks.detection.pictures import Scaling
from striate.tasks.detection.yolo import RECIPE, YOLOFinder, grid_for, learn, shared

QUICK = RECIPE.but(batch_size=8)
FRESH = Ask(weights=None, epochs=1)
SMALL: dict[str, Any] = {
    "backbone": "efficientnet_lite0",
    "grid": 2,
    "boxes": 2,
    "side": 64,
    "connected": False,
    "width": 8,
}

SCALING = {"side": 64, "mean": [0.0] * 3, "std": [1.0] * 3, "bgr": False, "stretched": True}


def placed(data: BoxedDataset, *boxes: tuple[float, float, float, float]) -> BoxedDataset:
    """The set with these boxes in each of its images of 120 x 90 pixels."""
    marked = replace(
        data.objects[0],
        boxes=np.array(boxes, np.float32),
        classes=np.zeros(len(boxes), np.int64),
        difficult=np.zeros(len(boxes), bool),
        crowd=np.zeros(len(boxes), bool),
    )
    return replace(data, objects=(marked,) * len(data))


def test_boxes_that_share_a_cell(shapes: BoxedDataset) -> None:
    # centers (31, 10), (36, 10), (119, 89): of 4 x 4 cells of 30 x 22.5 pixels two share one
    data = placed(shapes, (21, 0, 41, 20), (26, 0, 46, 20), (118, 88, 120, 90))
    assert shared(data, 4) == pytest.approx(2 / 3)
    assert shared(data, 7) == pytest.approx(0)  # of 17.1 pixels; 31 and 36 lie on both sides of 34
    hard = replace(data.objects[0], difficult=np.array([True, False, False]))
    assert shared(replace(data, objects=(hard,) * len(data)), 4) == 0


def test_the_grid_is_the_published_one_unless_boxes_share_cells(shapes: BoxedDataset) -> None:
    apart = placed(shapes, (0, 0, 20, 20), (60, 0, 80, 20))
    close = placed(shapes, (1, 1, 7, 7), (5, 1, 20, 7))
    assert (grid_for(apart), grid_for(close)) == (7, 14)
    assert (grid_for(apart, 128), grid_for(close, 128)) == (2, 4)


def test_learned_stored_and_used(shapes: BoxedDataset) -> None:
    learned = learn(shapes, FRESH, recipe=QUICK, side=128)
    assert list(learned.seconds) == ["decode", "learn"]
    assert learned.validation is not None
    assert {"map50", "ap50 disc", "ap50 square"} <= set(learned.validation)
    note, low = learned.notes
    assert "0.3" in low
    assert note.startswith("2 x 2 cells; 0.0% of the training boxes share")
    assert isinstance(learned.finder, YOLOFinder)
    assert all(p.requires_grad for p in learned.finder.model.parameters())  # fresh: all learn
    header = json.loads(json.dumps(learned.finder.header()))
    again = YOLOFinder.restored(learned.finder.tensors(), header, 2)
    picture = shapes.images[1]
    with torch.no_grad():  # sure enough of something to be compared
        for finder in (learned.finder, again):
            finder.model.detecting[-1].last.bias[[4, 9]] = 0.5  # type: ignore[union-attr,index]
    first, second = learned.finder.find(picture), again.find(picture)
    assert len(first.boxes)
    assert torch.equal(first.boxes, second.boxes)
    assert torch.equal(first.scores, second.scores)
    assert (first.boxes >= 0).all()
    assert (first.boxes <= torch.tensor([120, 90, 120, 90])).all()


@pytest.mark.parametrize("size", [(20, 20), (1, 1000), (1000, 1), (90, 120)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    model = YOLOFinder.network(SMALL, 3)
    with torch.no_grad():
        model.detecting[-1].last.bias[[4, 9]] = 0.9  # type: ignore[union-attr,index]
    scaling = Scaling(64, (127.0,) * 3, (128.0,) * 3, stretched=True)
    found = YOLOFinder(model.eval(), SMALL, scaling).find(np.zeros((*size, 3), np.uint8))
    assert len(found.boxes)
    assert (found.boxes.amax(0) <= torch.tensor([size[1], size[0]] * 2) * 1.0001).all()


def test_a_class_without_examples_and_images_without_things(shapes: BoxedDataset) -> None:
    objects = tuple(
        each.take(each.classes == 0) if split == TRAIN else each
        for each, split in zip(shapes.objects, shapes.split.tolist(), strict=True)
    )
    data = replace(shapes, objects=objects)
    learned = learn(data, FRESH, recipe=QUICK, side=64, grid=2)
    assert learned.validation is not None
    assert 0 <= learned.validation["map50"] <= 1


def test_connected_layers_learn_too(shapes: BoxedDataset) -> None:
    learned = learn(shapes, FRESH, recipe=QUICK, side=64, grid=3, connected=True, width=8)
    assert isinstance(learned.finder, YOLOFinder)
    assert isinstance(learned.finder.model.detecting[-1], Connected)  # type: ignore[index]


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "x"}, {"grid": 0}, {"grid": 10**9}, {"boxes": 10**9}, {"boxes": -1},
        {"side": 10**9}, {"side": 63}, {"width": 10**9}, {"width": 2.5}, {"width": "8"},
        {"hidden": 5}, {"grid": None}, {"grid": True},
    ],
)  # fmt: skip
def test_what_a_file_may_not_ask_for(change: dict[str, Any]) -> None:
    header = {"architecture": {**SMALL, **change}, "scaling": SCALING}
    with pytest.raises((ValueError, LookupError, TypeError, StriateError)):
        YOLOFinder.restored(stored(), header, 3)


def test_pictures_that_the_network_cannot_read() -> None:
    assert YOLOFinder.restored(stored(), {"architecture": SMALL, "scaling": SCALING}, 3)
    for change in ({"side": 128}, {"stretched": False}):
        with pytest.raises(ValueError, match="not stretched to 64 x 64"):
            YOLOFinder.restored(
                stored(), {"architecture": SMALL, "scaling": {**SCALING, **change}}, 3
            )


@functools.cache
def stored() -> dict[str, Tensor]:
    return YOLOFinder.network(SMALL, 3).state_dict()
