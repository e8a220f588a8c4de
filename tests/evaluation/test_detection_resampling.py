"""Average precision on images drawn anew: weights stand for images drawn twice."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.data.boxes import Objects
from striate.evaluation.detection import average_precisions, judged, mean
from striate.evaluation.detection_resampling import mean_average_precisions
from striate.models.matching import Detections


def images(seed: int, count: int) -> tuple[list[Detections], list[Objects]]:
    """Pictures with up to four things, most of them found, and some that are not there."""
    random = np.random.default_rng(seed)
    found, truth = [], []
    for _ in range(count):
        things = int(random.integers(0, 5))
        low = random.uniform(0, 80, (things, 2))
        boxes = np.concatenate([low, low + 20], 1).astype(np.float32)
        classes = random.integers(0, 2, things)
        none = np.zeros(things, bool)
        truth.append(Objects(boxes, classes, none, none))
        seen = np.concatenate([boxes + random.uniform(-6, 6, (things, 1)).astype(np.float32),
                               np.float32([[0, 0, 9, 9]])])  # fmt: skip
        found.append(
            Detections(
                torch.from_numpy(seen),
                torch.from_numpy(np.append(classes, 1)),
                torch.from_numpy(random.random(things + 1)),
            )
        )
        order = found[-1].scores.argsort(descending=True)
        one = found[-1]
        found[-1] = Detections(one.boxes[order], one.classes[order], one.scores[order])
    return found, truth


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10**6), st.integers(1, 8))
def test_drawn_images_weigh_as_often_as_they_are_drawn(seed: int, count: int) -> None:
    found, truth = images(seed, count)
    each = [judged(found, truth, number) for number in range(2)]
    rows = np.random.default_rng(seed).integers(0, count, (3, count))
    fast = mean_average_precisions(each, rows)
    for value, some in zip(fast, rows.tolist(), strict=True):
        slow = average_precisions([found[row] for row in some], [truth[row] for row in some], 2)
        if np.isnan(slow).all():
            assert np.isnan(value)
        else:
            assert value == pytest.approx(mean(slow), abs=1e-12)
