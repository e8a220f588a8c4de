"""The labels of regions that a network learns from, and which are drawn."""

from dataclasses import replace

import numpy as np
import torch

from striate.data import Dataset
from striate.data.boxes import Boxes, Objects
from striate.tasks.detection.rcnn.crops import BACKGROUND, OBJECTS, UNUSED, labeled, labels, sampled
from striate.tasks.detection.rcnn.extraction import Regions


def marked(boxes: list[list[float]], classes: list[int], **flags: list[bool]) -> Objects:
    none = np.zeros(len(boxes), bool)
    values = {name: np.array(flags.get(name, none), bool) for name in ("difficult", "crowd")}
    table = np.array(boxes, np.float32).reshape(-1, 4)
    return Objects(table, np.array(classes, np.int64), **values)


def test_a_region_is_labeled_as_what_it_overlaps_by_half() -> None:
    # Beside (0, 0, 10, 10): itself 1; 5 of 10 columns, 0.5; 4 of 10, 0.4; and one far away.
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 5, 10], [0, 0, 4, 10], [50, 50, 60, 60]])
    thing = [0.0, 0, 10, 10]
    assert labels(boxes, marked([thing], [1]), 3).tolist() == [1, 1, 3, 3]
    # Of two objects the one that it overlaps most: (0, 0, 5, 10) is half of the first, all of the
    # second.
    both = marked([thing, [0, 0, 5, 10]], [1, 2])
    assert labels(boxes, both, 3).tolist() == [1, 2, 2, 3]  # 4 of 5 columns: 0.8
    assert labels(boxes, marked([], []), 3).tolist() == [3, 3, 3, 3]
    hard = marked([thing], [1], difficult=[True])
    assert labels(boxes, hard, 3).tolist() == [UNUSED, UNUSED, 3, 3]
    # All that lies in a crowd is neither, though it overlaps the crowd by less than half.
    crowd = marked([thing], [1], crowd=[True])
    assert labels(boxes, crowd, 3).tolist() == [UNUSED, UNUSED, UNUSED, 3]


def test_objects_are_drawn_by_class_with_background_beside_them() -> None:
    values = np.array([0] * 97 + [1] + [2] * 50 + [UNUSED] * 50)
    random = np.random.default_rng(0)
    counts = np.zeros(3)
    for _ in range(200):
        rows = sampled(values, 2, random)
        assert len(rows) == OBJECTS + BACKGROUND
        counts += np.bincount(values[rows], minlength=3)  # no -1 among them
    assert counts[2] == 200 * BACKGROUND
    # Half of the objects are of each class, though one has 97 times as many: 200 +- 3 * sqrt(100).
    assert 170 < counts[1] < 230
    assert set(values[sampled(values[:98], 2, random)]) <= {0, 1}
    assert len(sampled(values[:98], 2, random)) == OBJECTS + BACKGROUND
    assert (values[98 + sampled(values[98:], 2, random, 3)] == 2).all()
    assert len(sampled(values[98:], 2, random, 3)) == 3 * (OBJECTS + BACKGROUND)


def test_pictures_without_regions_are_left_out(
    shapes: Dataset[Boxes],
) -> None:
    rows = np.flatnonzero(shapes.split == 0).tolist()
    regions = Regions(rows, [torch.tensor([[0.0, 0, 9, 9]])] * len(rows))
    nothing = replace(regions, boxes=[regions.boxes[0][:0], *regions.boxes[1:]])
    assert [each.row for each in labeled(shapes, nothing, 2)] == regions.rows[1:]
