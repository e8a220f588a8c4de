"""How pictures come to a detecting network: scale, canvas, normalization, damaged files."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from striate.models import Normalization
from striate.tasks.detection.scaling import Scaling

NUMBERS = (10.0, 20.0, 30.0), (2.0, 4.0, 5.0)
SCALING = Scaling(64, Normalization(*NUMBERS))


def test_the_longer_side_and_the_canvas() -> None:
    assert SCALING.size(480, 640) == (48, 64)
    assert SCALING.size(1, 1000) == (1, 64)
    assert SCALING.scaled(np.zeros((100, 50, 3), np.uint8)).shape == (64, 32, 3)
    assert Scaling(64, Normalization(*NUMBERS), stretched=True).size(48, 64) == (64, 64)
    some = [torch.full((3, 48, 64), 30), torch.full((3, 64, 40), 20)]
    images = SCALING.canvas(some)
    assert images.shape == (2, 3, 64, 64)
    assert images[0, :, 47, 63].tolist() == pytest.approx([10, 2.5, 0], abs=1e-6)
    assert images[0, :, 48:].abs().max() == 0
    assert images[1, :, 63, 39].tolist() == pytest.approx([5, 0, -2], abs=1e-6)
    other = Scaling(64, Normalization(*NUMBERS, bgr=True))
    assert torch.equal(other.canvas(some), images.flip(1))


def test_it_survives_json() -> None:
    for one in (SCALING, Scaling(96, Normalization(*NUMBERS, bgr=True), True, bits=12)):
        assert Scaling.from_json(json.loads(json.dumps(asdict(one)))) == one


@pytest.mark.parametrize(
    "change",
    [
        {"side": 10}, {"side": 10**9}, {"side": "64"}, {"side": True}, {"stretched": 1},
        {"normalization": {"mean": [1, 2], "std": [1, 1], "bgr": False}},
        {"normalization": {"mean": [1, 2, 3], "std": [1, 1, 0], "bgr": False}},
        {"normalization": {"mean": [1, 2, float("nan")], "std": [1, 1, 1], "bgr": False}},
        {"normalization": None}, {"bits": 7}, {"bits": "12"}, {"bits": True},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_values(change: dict) -> None:
    values = json.loads(json.dumps(asdict(SCALING)))
    with pytest.raises((ValueError, TypeError, LookupError)):
        Scaling.from_json({**values, **change})
