"""What Faster R-CNN takes from a set before it learns: sizes, shapes, its form."""

from dataclasses import replace

import numpy as np
import pytest

from striate.data import Dataset
from striate.data.boxes import Boxes, Objects
from striate.tasks.detection.faster_rcnn.method import architecture_for, boxes_at, side_for


def boxed(data: Dataset[Boxes], *sides: tuple[float, float, int]) -> Dataset[Boxes]:
    """The set with the same boxes in every picture of 448 x 336: width, height, class."""
    boxes = np.array([[0, 0, w, h] for w, h, _ in sides], np.float32)
    no = np.zeros(len(sides), bool)
    one = Objects(boxes, np.array([number for *_, number in sides]), no, no)
    sizes = np.tile([336, 448], (len(data), 1))
    return replace(data, targets=replace(data.targets, objects=(one,) * len(data), sizes=sizes))


def test_anchors_step_from_the_smallest_class_to_the_largest(shapes: Dataset[Boxes]) -> None:
    data = boxed(shapes, (10, 10, 0), (320, 320, 1))
    values = architecture_for("resnet18", data, 448, pyramid=True)
    # 10, 20, 40 on the fine map and 80, 160, 320 on the coarse: five steps of 2
    assert values["smallest"] == pytest.approx([10, 80])
    assert values["settings"]["sizes"] == pytest.approx([1, 2, 4])
    assert values["settings"]["ratios"] == pytest.approx([1])
    assert (values["width"], values["hidden"]) == (128, 512)
    one = architecture_for("resnet18", data, 448, pyramid=False)
    assert (one["width"], one["hidden"]) == (512, 4096)  # the form of 2015
    assert one["smallest"] == pytest.approx([10])
    assert one["settings"]["sizes"] == pytest.approx([1, 2, 4, 8, 16, 32])


def test_objects_of_one_size_have_anchors_around_it(shapes: Dataset[Boxes]) -> None:
    values = architecture_for("resnet18", boxed(shapes, (64, 64, 0)), 448, pyramid=True)
    (fine, coarse), sizes = values["smallest"], values["settings"]["sizes"]
    every = [fine * size for size in sizes] + [coarse * size for size in sizes]
    assert np.prod(every) ** (1 / 6) == pytest.approx(64)
    assert np.diff(np.log2(every)) == pytest.approx([1 / 3] * 5)


def test_shapes_are_those_of_the_boxes(shapes: Dataset[Boxes]) -> None:
    lines = architecture_for("resnet18", boxed(shapes, (160, 20, 0)), 448, pyramid=True)
    assert lines["settings"]["ratios"] == pytest.approx([1 / 8])
    mixed = boxed(shapes, (40, 160, 0), (80, 80, 0), (160, 40, 0))
    values = architecture_for("resnet18", mixed, 448, pyramid=True)
    assert values["settings"]["ratios"] == pytest.approx([1 / 4, 1, 4])


def test_small_objects_make_pictures_larger(shapes: Dataset[Boxes]) -> None:
    assert side_for(boxed(shapes, (24, 24, 0), (200, 200, 1))) == 448
    assert side_for(boxed(shapes, (16, 16, 0), (200, 200, 1))) == 672  # 24 pixels there
    assert side_for(boxed(shapes, (3, 3, 0))) == 896
    sides, classes = boxes_at(boxed(shapes, (16, 8, 1)), 896)
    assert sides[0].tolist() == [32, 16]
    assert set(classes.tolist()) == {1}
