"""YOLO as a predictor: pictures of any size, and files that ask for too much."""

import functools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from striate.errors import StriateError
from striate.models import Normalization
from striate.tasks.detection.scaling import Scaling
from striate.tasks.detection.yolo.predictor import YOLOPredictor

SMALL: dict[str, Any] = {
    "backbone": "efficientnet_lite0",
    "grid": 2,
    "boxes": 2,
    "side": 64,
    "connected": False,
    "width": 8,
}
NORMALIZATION = {"mean": [0.0] * 3, "std": [1.0] * 3, "bgr": False}
SCALING = {"side": 64, "normalization": NORMALIZATION, "stretched": True, "bits": None}
NAMES = ("a", "b", "c")


@functools.cache
def stored() -> dict[str, Tensor]:
    return YOLOPredictor.network(SMALL, 3).state_dict()


@pytest.mark.parametrize("size", [(20, 20), (1, 1000), (1000, 1), (90, 120)])
def test_pictures_of_any_size(size: tuple[int, int]) -> None:
    model = YOLOPredictor.network(SMALL, 3)
    with torch.no_grad():
        model.detecting[-1].last.bias[[4, 9]] = 0.9  # type: ignore[union-attr,index]
    scaling = Scaling(64, Normalization((127.0,) * 3, (128.0,) * 3), stretched=True)
    one = YOLOPredictor(model, SMALL, scaling, 3)
    (answer,) = one.predict([one.prepare(np.zeros((*size, 3), np.uint8))])
    assert (answer.height, answer.width) == size
    boxes = answer.detections.boxes
    assert len(boxes)
    assert (boxes.amax(0) <= torch.tensor([size[1], size[0]] * 2) * 1.0001).all()


@pytest.mark.parametrize(
    "change",
    [
        {"backbone": "x"}, {"backbone": None}, {"grid": 0}, {"grid": 10**9}, {"boxes": 10**9},
        {"boxes": -1}, {"side": 10**9}, {"side": 63}, {"width": 10**9}, {"width": 2.5},
        {"width": "8"}, {"hidden": 5}, {"grid": None}, {"grid": True}, {"connected": 0},
        {"connected": "yes"},
    ],
    ids=str,
)  # fmt: skip
def test_what_a_file_may_not_ask_for(change: dict[str, Any]) -> None:
    header = {"architecture": {**SMALL, **change}, "scaling": SCALING}
    with pytest.raises((ValueError, LookupError, TypeError, StriateError)):
        YOLOPredictor.restored(stored(), header, NAMES)


def test_pictures_that_the_network_cannot_read() -> None:
    assert YOLOPredictor.restored(stored(), {"architecture": SMALL, "scaling": SCALING}, NAMES)
    for change in ({"side": 128}, {"stretched": False}):
        with pytest.raises(ValueError, match="not stretched to 64 x 64"):
            YOLOPredictor.restored(
                stored(), {"architecture": SMALL, "scaling": {**SCALING, **change}}, NAMES
            )
