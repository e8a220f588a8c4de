"""What R-CNN decides by: detections by hand, chances that come true."""

import numpy as np
import pytest
import torch

from striate.data.boxes import Objects
from striate.models.matching import Detections
from striate.tasks.detection.chances import PLAIN
from striate.tasks.detection.rcnn_machines import Machines, calibrate

THING = [0, 0, 10, 10]


def identity(width: int, classes: int = 1) -> Machines:
    return Machines.empty(torch.zeros(width), torch.ones(width), classes)


def test_detections_by_hand() -> None:
    # The one feature is the score. Class 0 moves boxes half a width to the right.
    machines = identity(1, 3)
    machines.svm[:2, 0] = torch.tensor([1.0, -1.0])
    machines.moves[0, 0, 1] = 0.5
    machines.known[:2] = True
    machines.curve[:2, 1] = 0.25
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [85, 0, 95, 10], [40, 40, 50, 50]])
    features = torch.tensor([[2.0], [1.0], [0.5], [-3.0]])
    found = machines.detections(boxes, features, (60, 100), doubles=0.3, most=4)
    assert found.classes.tolist() == [1, 0, 0, 1]
    chance = torch.sigmoid(2 * torch.tensor([3.0, 2.0, 0.5, -0.5]) + 0.25)
    torch.testing.assert_close(found.scores, chance)
    expected = [[40.0, 40, 50, 50], [5, 0, 15, 10], [90, 0, 100, 10], [85, 0, 95, 10]]
    assert found.boxes.tolist() == expected
    least = machines.detections(boxes, features, (60, 100), doubles=0.3, most=4, least=0.5)
    assert len(least.scores) == 3
    nothing = identity(1).detections(boxes, features, (60, 100), doubles=0.3, most=4)
    assert nothing.boxes.shape == (0, 4)


def test_calibration_keeps_the_order_and_tells_the_chance() -> None:
    generator = torch.Generator().manual_seed(0)
    machines = identity(1, 3)
    machines.known[:2] = True
    found, truth = [], []
    for _ in range(1500):
        score = torch.randn(1, generator=generator)
        right = int(torch.rand(1, generator=generator) < torch.sigmoid(score - 1))
        none = np.zeros(right, bool)
        boxes = np.array([THING] * right, np.float32).reshape(-1, 4)
        truth.append(Objects(boxes, np.zeros(right, np.int64), none, none))
        chance = torch.sigmoid(PLAIN[0] * score)
        box = torch.tensor([THING], dtype=torch.float32)
        found.append(Detections(box, torch.zeros(1, dtype=torch.long), chance))
    calibrate(machines, found, truth)
    slope, bias = machines.curve[0].tolist()
    assert slope == pytest.approx(1, abs=0.2)
    assert bias == pytest.approx(-1, abs=0.2)
    # Of the second class nothing was found, of the third nothing was known.
    torch.testing.assert_close(machines.curve[1], machines.curve[0])
    assert tuple(machines.curve[2].tolist()) == PLAIN
