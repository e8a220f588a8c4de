"""What R-CNN classifies by: detections by hand, probabilities that come true."""

import numpy as np
import pytest
import torch

from striate.data.boxes import Objects
from striate.models.matching import Detections
from striate.tasks.detection.probabilities import PLAIN
from striate.tasks.detection.rcnn.classifiers import Classifiers, calibrate

THING = [0, 0, 10, 10]


def identity(width: int, classes: int = 1) -> Classifiers:
    return Classifiers.empty(torch.zeros(width), torch.ones(width), classes)


def test_detections_by_hand() -> None:
    # The one feature is the score. Class 0 moves boxes half a width to the right.
    classifiers = identity(1, 3)
    classifiers.svm[:2, 0] = torch.tensor([1.0, -1.0])
    classifiers.regression[0, 0, 1] = 0.5
    classifiers.known[:2] = True
    classifiers.curve[:2, 1] = 0.25
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [85, 0, 95, 10], [40, 40, 50, 50]])
    features = torch.tensor([[2.0], [1.0], [0.5], [-3.0]])
    found = classifiers.detections(boxes, features, (60, 100), nms_overlap=0.3, most=4)
    assert found.classes.tolist() == [1, 0, 0, 1]
    probability = torch.sigmoid(2 * torch.tensor([3.0, 2.0, 0.5, -0.5]) + 0.25)
    torch.testing.assert_close(found.scores, probability)
    expected = [[40.0, 40, 50, 50], [5, 0, 15, 10], [90, 0, 100, 10], [85, 0, 95, 10]]
    assert found.boxes.tolist() == expected
    least = classifiers.detections(boxes, features, (60, 100), nms_overlap=0.3, most=4, least=0.5)
    assert len(least.scores) == 3
    nothing = identity(1).detections(boxes, features, (60, 100), nms_overlap=0.3, most=4)
    assert nothing.boxes.shape == (0, 4)


def test_calibration_keeps_the_order_and_gives_probabilities() -> None:
    generator = torch.Generator().manual_seed(0)
    classifiers = identity(1, 3)
    classifiers.known[:2] = True
    found, truth = [], []
    for _ in range(1500):
        score = torch.randn(1, generator=generator)
        right = int(torch.rand(1, generator=generator) < torch.sigmoid(score - 1))
        none = np.zeros(right, bool)
        boxes = np.array([THING] * right, np.float32).reshape(-1, 4)
        truth.append(Objects(boxes, np.zeros(right, np.int64), none, none))
        probability = torch.sigmoid(PLAIN[0] * score)
        box = torch.tensor([THING], dtype=torch.float32)
        found.append(Detections(box, torch.zeros(1, dtype=torch.long), probability))
    calibrate(classifiers, found, truth)
    slope, bias = classifiers.curve[0].tolist()
    assert slope == pytest.approx(1, abs=0.2)
    assert bias == pytest.approx(-1, abs=0.2)
    # Of the second class nothing was found, of the third nothing was known.
    torch.testing.assert_close(classifiers.curve[1], classifiers.curve[0])
    assert tuple(classifiers.curve[2].tolist()) == PLAIN
